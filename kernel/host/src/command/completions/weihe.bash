# Completions of weihe for bash. In ~/.bashrc:  source <(weihe completions bash)

_weihe() {
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} word IFS=$' \t\n'
    local -a words
    COMPREPLY=()
    read -ra words <<<"$line"
    # A blank at the end: the next word has not begun.
    [[ $line == *[[:blank:]] ]] && words+=("")
    # Bash takes words apart at `=` and `:`; what stands before in the same word is there already.
    [[ $current == [=:] ]] && current=""
    local partial=${words[${#words[@]} - 1]}
    local there=${partial%"$current"}
    while IFS= read -r line; do
        case $line in
        :files) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
        :folders) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
        *)
            word=${line%%$'\t'*}
            [[ $word == *= ]] && compopt -o nospace 2>/dev/null
            word=${word#"$there"}
            # Topics may hold anything: what comes from the system must stay a word, and nothing that runs.
            [[ -z $word ]] || printf -v word %q "$word"
            COMPREPLY+=("$word")
            ;;
        esac
    done < <("$1" complete-words -- "${words[@]:1}" 2>/dev/null)
}

complete -F _weihe weihe
