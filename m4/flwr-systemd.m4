# FLWR_SYSTEMD_DIRS: where units go, and what they may say. Below /usr systemd's own directories, else the same below the prefix,
# so that nobody needs to be root for a trial.
AC_DEFUN([FLWR_SYSTEMD_DIRS], [
AC_ARG_WITH([systemdsystemunitdir],
	[AS_HELP_STRING([--with-systemdsystemunitdir=DIR], [where units are installed (default: systemd's, or PREFIX/lib/systemd/system)])],
	[], [with_systemdsystemunitdir=default])
AS_IF([test "$with_systemdsystemunitdir" = default], [
	with_systemdsystemunitdir='${prefix}/lib/systemd/system'
	AS_IF([test "$prefix" = /usr], [
		PKG_CHECK_VAR([systemd_unitdir], [systemd], [systemdsystemunitdir], [with_systemdsystemunitdir=$systemd_unitdir])
	])
])
AC_SUBST([systemdsystemunitdir], [$with_systemdsystemunitdir])
AC_SUBST([systemdgeneratordir], [${with_systemdsystemunitdir%/system}/system-generators])
AC_SUBST([catalogdir], ['${prefix}/lib/systemd/catalog'])
AC_SUBST([sysusersdir], ['${prefix}/lib/sysusers.d'])
AC_SUBST([tmpfilesdir], ['${prefix}/lib/tmpfiles.d'])
AC_SUBST([flwrconfdir], ['${sysconfdir}/flwr'])

# Type=notify-reload waits until a reload is done; before, only a signal can be sent. The "+": the sandbox runs no other program.
PKG_CHECK_EXISTS([libsystemd >= 253],
	[NOTIFY_TYPE=notify-reload EXEC_RELOAD_SED='/^.EXEC_RELOAD.$$/d'],
	[NOTIFY_TYPE=notify EXEC_RELOAD_SED='s,^.EXEC_RELOAD.$$,ExecReload=+/bin/kill -HUP $$MAINPID,'])
AC_SUBST([NOTIFY_TYPE])
AC_SUBST([EXEC_RELOAD_SED])
])
