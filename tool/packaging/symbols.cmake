# Lets dpkg-gensymbols write down what the library exports: it wants a package's folder, with a
# control file, and the library where it will be.
file(REMOVE_RECURSE ${STAGE})
file(MAKE_DIRECTORY ${STAGE}/DEBIAN ${STAGE}/usr/lib ${STAGE}/debian)
file(COPY_FILE ${LIBRARY} ${STAGE}/usr/lib/${SONAME})
file(WRITE ${STAGE}/debian/control "Source: hsmiam\n\nPackage: ${PACKAGE}\nArchitecture: any\n")
execute_process(COMMAND ${DPKG_GENSYMBOLS} -p${PACKAGE} -v${VERSION} -P${STAGE} -q
  -e${STAGE}/usr/lib/${SONAME} -O${STAGE}/DEBIAN/symbols
  WORKING_DIRECTORY ${STAGE} COMMAND_ERROR_IS_FATAL ANY)
file(READ ${STAGE}/DEBIAN/symbols symbols)
string(REPLACE " #MINVER#\n" " #MINVER#\n* Build-Depends-Package: libhsmiam-dev\n" symbols "${symbols}")
file(WRITE ${STAGE}/DEBIAN/symbols "${symbols}")
