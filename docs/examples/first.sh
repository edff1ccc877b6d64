#!/bin/sh -e
dev=$1; shift; export IOMMUCTL_SESSION=first
iommuctl session start "$@"               # -M --from FILE rehearses all of it on a model
iommuctl device bind "$dev"               # to vfio-pci: checked, written down, and taken back if it fails
nic=$(iommuctl device open "$dev")        # claims its group
mem=$(iommuctl ioas alloc)
iommuctl ioas map "$mem" 64M --iova 0x10000000
iommuctl device attach "$nic" "$(iommuctl hwpt alloc "$mem" --device "$nic")"
iommuctl device attach "$nic" "$(iommuctl hwpt alloc "$mem" --device "$nic")"  # replaced, in one step
iommuctl object tree
iommuctl object destroy --all; iommuctl device restore "$dev"
iommuctl session stop
