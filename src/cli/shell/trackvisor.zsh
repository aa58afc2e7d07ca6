#compdef trackvisor
# zsh completion for trackvisor: source <(trackvisor completion zsh), behind compinit
# The answer to a question is a candidate a line, a space and what it is; ":" alone: files can stand there.
_trackvisor() {
  local -a found
  local line files= result=1
  while IFS= read -r line; do
    if [[ $line == : ]]; then
      files=1
    else
      found+=("${${line%% *}//:/\\:}:${line#* }")
    fi
  done < <("$words[1]" completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && _describe -t commands trackvisor found && result=0
  [[ -n $files ]] && _files && result=0
  return result
}
if [[ "$funcstack[1]" == _trackvisor ]]; then
  _trackvisor "$@"
else
  compdef _trackvisor trackvisor
fi
