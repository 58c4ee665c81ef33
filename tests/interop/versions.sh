# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # for those who source it
#
# The versions of what the distribution does not bring, for every run to be with the same programs. (Those of
# the Go module are in go/go.mod.)
readonly boto3_version=1.43.11
readonly thanos_version=v0.42.3
readonly aws_sdk_js_version=3.1175.0 # needs Node 20
readonly pyarrow_version=26.0.1
readonly s3fs_version=2026.9.0
