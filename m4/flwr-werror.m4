# FLWR_WERROR: the project's warnings; --enable-werror makes them errors (CI does).
AC_DEFUN([FLWR_WERROR], [
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])], [], [enable_werror=no])
flwr_werror=$enable_werror
WARNING_CFLAGS="-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wshadow -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Wno-format-nonliteral"
WARNING_CONLY_CFLAGS="-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition"
AS_IF([test "$enable_werror" = yes], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
AC_SUBST([WARNING_CFLAGS])
AC_SUBST([WARNING_CONLY_CFLAGS])
])
