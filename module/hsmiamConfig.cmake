# hsmiam::shared and hsmiam::static, with what the latter links.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL 3.0)
find_dependency(CURL)
find_dependency(PkgConfig)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
pkg_check_modules(LIBXML2 REQUIRED IMPORTED_TARGET libxml-2.0)
include(${CMAKE_CURRENT_LIST_DIR}/hsmiamTargets.cmake)
