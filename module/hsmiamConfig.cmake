# hsmiam::shared and hsmiam::static, with what the latter links.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL 3.0)
find_dependency(PkgConfig)

# Without REQUIRED, which would end the configuration of a user to whom hsmiam is optional.
set(hsmiam_quiet)
if(hsmiam_FIND_QUIETLY)
  set(hsmiam_quiet QUIET)
endif()
pkg_check_modules(P11KIT ${hsmiam_quiet} IMPORTED_TARGET p11-kit-1>=0.24)
pkg_check_modules(EXPAT ${hsmiam_quiet} IMPORTED_TARGET expat>=2.4.5)
unset(hsmiam_quiet)
if(NOT P11KIT_FOUND OR NOT EXPAT_FOUND)
  set(hsmiam_FOUND FALSE)
  set(hsmiam_NOT_FOUND_MESSAGE
    "hsmiam could not be found because pkg-config does not find p11-kit-1>=0.24 and expat>=2.4.5.")
  return()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/hsmiamTargets.cmake)
