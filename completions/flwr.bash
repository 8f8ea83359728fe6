# bash completion for the programs of flwr-native                                              -*- shell-script -*-
# What can be completed is read from the programs' own --help, so that it is right as long as the program is.

_flwr_native_words() # PROGRAM [COMMAND]...: flags and commands
{
	"$@" --help 2>/dev/null | sed -nE '
		/^commands:/,$ s/^  ([a-z][a-z-]*) .*/\1/p
		s/^ +(-[A-Za-z], )?(--[a-z][a-z0-9-]*).*/\2/p'
}

_flwr_native()
{
	local program=$1 cur=$2 prev=$3 word words
	local -a commands=()

	# A command may have commands of its own; the first word that is none is the command's own business.
	words=$(_flwr_native_words "$program")
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == [a-z]* ]] || continue
		[[ $word == ls ]] && word=list
		[[ $'\n'$words$'\n' == *$'\n'"$word"$'\n'* ]] || break
		commands+=("$word")
		words=$(_flwr_native_words "$program" "${commands[@]}")
	done
	if [[ $cur != -* ]]; then
		words=$(grep -v '^-' <<<"$words")
	else
		words=$(grep '^-' <<<"$words")
	fi
	# The value of a flag is most often a file, which readline knows.
	if [[ $prev == --* && $cur != -* ]]; then
		words=
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o bashdefault -o default -F _flwr_native \
	flwr flwr-provision flower-superlink flower-supernode flower-superexec
