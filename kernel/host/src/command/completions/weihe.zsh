#compdef weihe
# Completions of weihe for zsh. In a folder of $fpath:  weihe completions zsh > ~/.zfunc/_weihe

_weihe() {
    local line word
    local -a described open
    while IFS= read -r line; do
        case $line in
        :files) _files ;;
        :folders) _files -/ ;;
        *)
            word=${line%%$'\t'*}
            if [[ $word == *= ]]; then
                open+=("$word")
            else
                described+=("${word//:/\\:}:${line#*$'\t'}")
            fi
            ;;
        esac
    done < <($words[1] complete-words -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#open )) && compadd -S '' -a open
    (( $#described )) && _describe 'weihe' described
}

if [[ $funcstack[1] == _weihe ]]; then
    _weihe "$@"
else
    compdef _weihe weihe
fi
