# Completions of weihe for fish:  weihe completions fish > ~/.config/fish/completions/weihe.fish

function __weihe_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete-words -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end

complete -c weihe -f -a '(__weihe_complete)'
