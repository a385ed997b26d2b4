# noctule: completion for bash. In ~/.bashrc: source <(noctule completions bash)
_noctule() {
    local cur=${COMP_WORDS[COMP_CWORD]} word about files=
    [[ $cur == = ]] && cur=
    COMPREPLY=()
    while IFS=$'\t' read -r word about; do
        if [[ $word == /files/ ]]; then files=1; else COMPREPLY+=("$word"); fi
    done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
    fi
    # a field's value is typed right behind its =
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _noctule noctule
