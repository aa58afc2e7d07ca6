# bash completion for trackvisor: source <(trackvisor completion bash)
# The answer to a question is a candidate a line, a space and what it is; ":" alone: files can stand there.
_trackvisor() {
  local line cur="$2" files=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == : ]]; then files=1; else COMPREPLY+=("${line%% *}"); fi
  done < <("$1" completion bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ -n $files ]]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
  fi
  return 0
}
complete -F _trackvisor trackvisor
