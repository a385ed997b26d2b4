# noctule: completion for fish. noctule completions fish > ~/.config/fish/completions/noctule.fish
function __noctule_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = /files/
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c noctule -f -a '(__noctule_complete)'
