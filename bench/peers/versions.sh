# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # for those who source it
#
# The versions of the peers that are built from their Go modules.
readonly versitygw_version=v1.8.0
readonly rclone_version=v1.76.0
# The last of its repository, which was archived after it; MinIO's release names are no versions of a Go module.
readonly minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
