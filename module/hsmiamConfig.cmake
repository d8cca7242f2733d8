# hsmiam::shared, which needs nothing; and hsmiam::static, where all is found that it links.
# find_package(hsmiam COMPONENTS static) tells what is missing.
include(${CMAKE_CURRENT_LIST_DIR}/hsmiamSharedTargets.cmake)

find_package(Threads QUIET)
find_package(OpenSSL 3.0 QUIET)
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(P11KIT QUIET IMPORTED_TARGET p11-kit-1>=0.24)
  pkg_check_modules(EXPAT QUIET IMPORTED_TARGET expat>=2.4.5)
endif()
if(TARGET Threads::Threads AND OPENSSL_FOUND AND TARGET PkgConfig::P11KIT
    AND TARGET PkgConfig::EXPAT)
  include(${CMAKE_CURRENT_LIST_DIR}/hsmiamStaticTargets.cmake)
endif()

foreach(hsmiam_component IN LISTS hsmiam_FIND_COMPONENTS)
  if(TARGET hsmiam::${hsmiam_component})
    set(hsmiam_${hsmiam_component}_FOUND TRUE)
  elseif(hsmiam_FIND_REQUIRED_${hsmiam_component})
    set(hsmiam_FOUND FALSE)
    set(hsmiam_NOT_FOUND_MESSAGE "There is no hsmiam::${hsmiam_component}.")
    if(hsmiam_component STREQUAL "static")
      set(hsmiam_NOT_FOUND_MESSAGE "hsmiam::static needs threads, OpenSSL 3.0 and, by pkg-config, \
p11-kit-1>=0.24 and expat>=2.4.5; one of them is not found.")
    endif()
  endif()
endforeach()
unset(hsmiam_component)
