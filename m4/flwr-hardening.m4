# FLWR_HARDENING: the flags Debian hardens with, unless dpkg-buildflags has set them already (-D_FORTIFY_SOURCE in CPPFLAGS).
AC_DEFUN([FLWR_HARDENING], [
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [no hardening flags of our own])], [], [enable_hardening=yes])
flwr_hardening=$enable_hardening
AS_CASE(["$CPPFLAGS $CFLAGS"], [*_FORTIFY_SOURCE*], [flwr_hardening="by the caller"])
HARDENING_CFLAGS= HARDENING_CPPFLAGS= HARDENING_LDFLAGS=
AS_IF([test "$flwr_hardening" = yes], [
	HARDENING_CFLAGS="-fstack-protector-strong -fstack-clash-protection -fPIE"
	HARDENING_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
	HARDENING_LDFLAGS="-Wl,-z,relro -Wl,-z,now"
	AS_IF([test "x$enable_sanitizers" != x && test "x$enable_sanitizers" != xno], [HARDENING_CPPFLAGS=])
])
AC_SUBST([HARDENING_CFLAGS])
AC_SUBST([HARDENING_CPPFLAGS])
AC_SUBST([HARDENING_LDFLAGS])
])
