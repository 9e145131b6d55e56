/* What each shell has to be told once. All else is asked of `sprite-env __complete SHELL WORDS…`: see complete.ts. */

const BASH = `# Completion of sprite-env for bash. For this shell: source <(sprite-env completion bash)
# For every shell: sprite-env completion bash > ~/.local/share/bash-completion/completions/sprite-env
_sprite_env() {
  local line word directive=: current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  [[ $current == = ]] && current=
  while IFS= read -r line; do
    case $line in
      :*) directive=$line ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case $directive in
    :nospace) compopt -o nospace 2>/dev/null ;;
    :file | :directory)
      compopt -o filenames 2>/dev/null
      local flag=-f
      [[ $directive == :directory ]] && flag=-d
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$flag" -- "$current")
      ;;
  esac
}
complete -F _sprite_env sprite-env
`;

const ZSH = `#compdef sprite-env
# Completion of sprite-env for zsh. For this shell, after compinit: source <(sprite-env completion zsh)
# For every shell: sprite-env completion zsh > a directory of $fpath, as _sprite-env
_sprite_env() {
  local line directive=: tab=$'\\t'
  local -a lines offered
  lines=("\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" __complete zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    case $line in
      :*) directive=$line ;;
      ?*) offered+=("\${\${line%%$tab*}//:/\\\\:}:\${line#*$tab}") ;;
    esac
  done
  [[ $PREFIX == --*=* ]] && compset -P '--*='
  case $directive in
    :file) _files ;;
    :directory) _files -/ ;;
    :nospace) _describe -V sprite-env offered -S '' ;;
    *) _describe -V sprite-env offered ;;
  esac
}
if [[ $funcstack[1] == _sprite-env ]]; then
  _sprite_env "$@"
else
  compdef _sprite_env sprite-env
fi
`;

const FISH = `# Completion of sprite-env for fish. For this shell: sprite-env completion fish | source
# For every shell: sprite-env completion fish > ~/.config/fish/completions/sprite-env.fish
function __sprite_env_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test (count $current) -eq 0; and set current ''
    set -l lines ($words[1] __complete fish $words[2..-1] $current 2>/dev/null)
    set -l flag (string match -r '^--[^=]*=' -- $current)
    set -l value (string replace -r '^--[^=]*=' '' -- $current)
    switch "$lines[-1]"
        case ':file'
            for path in (__fish_complete_path $value)
                echo "$flag$path"
            end
        case ':directory'
            for path in (__fish_complete_directories $value)
                echo "$flag$path"
            end
        case '*'
            test (count $lines) -gt 1; and printf '%s\\n' $lines[1..-2]
    end
end
complete -c sprite-env -f -k -a '(__sprite_env_complete)'
`;

/** The script of each shell. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
