# fish completion for trackvisor: trackvisor completion fish | source
# The answer to a question is a candidate a line, a space and what it is; ":" alone: files can stand there.
function __trackvisor_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (trackvisor completion fish -- $before[2..-1] "$current" 2>/dev/null)
        if test "$line" = :
            __fish_complete_path "$current"
        else
            string replace -r ' ' \t -- $line
        end
    end
end
complete -c trackvisor -e
complete -c trackvisor -f -a '(__trackvisor_complete)'
