# SPDX-License-Identifier: Apache-2.0
#
# cmake -DVERSION=0.1.0 -DSOURCE_DIR=DIR -DHEADER=FILE -P build_version.cmake: writes the header that
# build_version.c includes. Runs at every build, so an incremental build is never stale, and writes
# only what has changed, so nothing is compiled without need.
#
#   VERSION                      a tarball, which has no .git; or a clean work tree at the tag vVERSION
#   VERSION-dirty                a changed work tree at that tag
#   VERSION-COMMITS-gHASH[-dirty]    any other commit: COMMITS since the last tag v*, or of all if
#                                there is none
#
# The same commit gives the same text: the length of HASH is fixed, as git's own choice depends on how
# many objects a clone has. (A shallow clone counts fewer commits.) Untracked files do not count.

cmake_minimum_required(VERSION 3.25)

# A hook of git sets these for its own repository, which need not be this one.
unset(ENV{GIT_DIR})
unset(ENV{GIT_WORK_TREE})
unset(ENV{GIT_INDEX_FILE})

# Sets out; to nothing if git fails. The folder may belong to another user, as in a container.
function(git out)
  execute_process(
    COMMAND ${GIT} --no-optional-locks -c safe.directory=${SOURCE_DIR} ${ARGN}
    WORKING_DIRECTORY ${SOURCE_DIR}
    OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    set(text "")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

file(REAL_PATH "${SOURCE_DIR}" SOURCE_DIR)
set(text "${VERSION}")
find_program(GIT git)
# Not "some folder above is a repository": a tarball may be unpacked in one.
if(GIT AND EXISTS "${SOURCE_DIR}/.git")
  git(described describe --tags --always --long --dirty --abbrev=12 --match "v[0-9]*")
  if(described MATCHES "^(v[^ ]*)-([0-9]+)-(g[0-9a-f]+)(-dirty)?$")
    set(dirty "${CMAKE_MATCH_4}")
    if(CMAKE_MATCH_1 STREQUAL "v${VERSION}" AND CMAKE_MATCH_2 EQUAL 0)
      set(text "${VERSION}${dirty}")
    else()
      set(text "${VERSION}-${CMAKE_MATCH_2}-${CMAKE_MATCH_3}${dirty}")
    endif()
  elseif(described MATCHES "^([0-9a-f]+)(-dirty)?$")
    set(hash "${CMAKE_MATCH_1}")
    set(dirty "${CMAKE_MATCH_2}")
    git(commits rev-list --count HEAD)
    set(text "${VERSION}-${commits}-g${hash}${dirty}")
  endif()
endif()

file(CONFIGURE OUTPUT "${HEADER}" @ONLY CONTENT
"/* Written by build_version.cmake. */
#define BUILD_VERSION_TEXT \"@text@\"
")
