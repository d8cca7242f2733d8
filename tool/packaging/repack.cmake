# Lets dpkg-deb put the packages together once more: cpack's differ by the umask that it runs under,
# and it gives a library's package scripts that call ldconfig, where Debian has a trigger.
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  set(folder "${CPACK_TOPLEVEL_DIRECTORY}/repacked")
  file(REMOVE_RECURSE "${folder}")
  execute_process(COMMAND dpkg-deb --raw-extract "${package}" "${folder}" COMMAND_ERROR_IS_FATAL ANY)
  if(package MATCHES "/libhsmiam[0-9]+_")
    file(REMOVE "${folder}/DEBIAN/postinst" "${folder}/DEBIAN/postrm")
  endif()
  file(CHMOD "${folder}" "${folder}/DEBIAN" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  execute_process(COMMAND dpkg-deb --root-owner-group -Zxz --build "${folder}" "${package}"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()
