# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # for those who source it
#
# The versions of what the distribution does not bring, for every run to be with the same programs.
readonly boto3_version=1.43.11
readonly thanos_version=v0.42.3
