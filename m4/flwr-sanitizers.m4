# FLWR_SANITIZERS: --enable-sanitizers[=address,undefined] (default list) or =thread.
AC_DEFUN([FLWR_SANITIZERS], [
AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@], [build with sanitizers (default list: address,undefined)])], [], [enable_sanitizers=no])
AS_CASE([$enable_sanitizers], [yes], [flwr_sanitizers=address,undefined], [no], [flwr_sanitizers=no], [flwr_sanitizers=$enable_sanitizers])
SANITIZER_FLAGS=
AS_IF([test "$flwr_sanitizers" != no], [SANITIZER_FLAGS="-fsanitize=$flwr_sanitizers -fno-omit-frame-pointer -fno-sanitize-recover=undefined"])
AC_SUBST([SANITIZER_FLAGS])
])
