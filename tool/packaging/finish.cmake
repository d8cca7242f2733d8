# What cpack has put together becomes what Debian wants: the manual and the changelog compressed, no
# notes of the compiler in binaries, and every file of the same date and rights, so that the same
# source makes the same package.
file(GLOB_RECURSE files "${CPACK_TEMPORARY_DIRECTORY}/*")
list(SORT files)
foreach(file IN LISTS files)
  if(file MATCHES "/man/man[0-9]/[^/]+\\.[0-9]$|/changelog\\.Debian$")
    if(IS_SYMLINK "${file}")
      file(READ_SYMLINK "${file}" to)
      file(CREATE_LINK "${to}.gz" "${file}.gz" SYMBOLIC)
      file(REMOVE "${file}")
    else()
      execute_process(COMMAND gzip -9n "${file}" COMMAND_ERROR_IS_FATAL ANY)
    endif()
  elseif(file MATCHES "\\.so[.0-9]*$|\\.a$|/bin/[^/]+$" AND NOT IS_SYMLINK "${file}")
    execute_process(COMMAND strip --strip-unneeded --enable-deterministic-archives
      --remove-section=.comment "${file}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
# Folders come by the umask that cpack runs under.
execute_process(COMMAND find "${CPACK_TEMPORARY_DIRECTORY}" -type d -exec chmod 755 {} +
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND find "${CPACK_TEMPORARY_DIRECTORY}" -exec
  touch --no-dereference "--date=@$ENV{SOURCE_DATE_EPOCH}" {} + COMMAND_ERROR_IS_FATAL ANY)
