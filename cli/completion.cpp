#include "completion.hpp"

#include <fmt/format.h>

#include <set>

#include "text.hpp"

namespace stele::cli {
namespace {

/// A command with everything that may follow it: its own options and those of the commands above.
struct Place {
    const CommandInfo* command;
    std::vector<const OptionInfo*> options;
};

void collect(const CommandInfo& command, const std::vector<const OptionInfo*>& above, std::vector<Place>& places) {
    std::set<std::string> own;
    for (const OptionInfo& option : command.options) own.insert(option.names.back());
    std::vector<const OptionInfo*> options;
    for (const OptionInfo& option : command.options) options.push_back(&option);
    for (const OptionInfo* option : above) {
        if (!own.contains(option->names.back())) options.push_back(option);
    }
    places.push_back({&command, options});
    for (const CommandInfo& below : command.commands) collect(below, options, places);
}

std::vector<Place> places_of(const CommandInfo& root) {
    std::vector<Place> places;
    collect(root, {}, places);
    return places;
}

/// In single quotes, for a POSIX shell.
std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char letter : text) {
        if (letter == '\'') {
            out += "'\\''";
        } else {
            out += letter;
        }
    }
    return out + "'";
}

/// In single quotes, for fish.
std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char letter : text) {
        if (letter == '\'' || letter == '\\') out += '\\';
        out += letter;
    }
    return out + "'";
}

/// Every option that takes a value, by its names, once.
std::vector<const OptionInfo*> with_values(const std::vector<Place>& places) {
    std::vector<const OptionInfo*> found;
    std::set<std::string> seen;
    for (const Place& place : places) {
        for (const OptionInfo* option : place.options) {
            if (!option->value.empty() && seen.insert(option->names.back()).second) found.push_back(option);
        }
    }
    return found;
}

/// "--dsn|--schema", for a case of any of these shells.
std::string pattern_of(const std::vector<const OptionInfo*>& options) {
    std::vector<std::string> names;
    for (const OptionInfo* option : options) names.insert(names.end(), option->names.begin(), option->names.end());
    return joined(names, "|");
}

/// "'stele cache'|'stele up'": everything that is a command.
std::string path_pattern(const std::vector<Place>& places) {
    std::vector<std::string> paths;
    for (const Place& place : places) {
        if (place.command->path != place.command->name) paths.push_back(shell_quoted(place.command->path));
    }
    return joined(paths, "|");
}

}  // namespace

std::string bash_completion(const CommandInfo& root) {
    const std::vector<Place> places = places_of(root);
    const auto valued = with_values(places);
    std::string values, words;
    for (const OptionInfo* option : valued) {
        std::string action = "return";
        if (option->is_directory()) action = "mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return";
        if (option->is_file()) action = "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return";
        if (const auto choices = option->choices(); !choices.empty())
            action = "words=" + shell_quoted(joined(choices, " "));
        values += fmt::format("        {}) {} ;;\n", joined(option->names, "|"), action);
    }
    for (const Place& place : places) {
        std::vector<std::string> all;
        for (const CommandInfo& below : place.command->commands) all.push_back(below.name);
        for (const OptionInfo& argument : place.command->arguments) {
            for (const std::string& choice : argument.choices()) all.push_back(choice);
        }
        for (const OptionInfo* option : place.options)
            all.insert(all.end(), option->names.begin(), option->names.end());
        words += fmt::format("            {}) words={} ;;\n", shell_quoted(place.command->path),
                             shell_quoted(joined(all, " ")));
    }
    return fmt::format(R"(# bash completion for stele. Load it with: source <(stele completion bash)
_stele() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} path=stele words='' previous='' i
    COMPREPLY=()
    [[ $word != '=' ]] || word=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        previous=${{COMP_WORDS[i]}}
        case $previous in
        {0})
            if [[ ${{COMP_WORDS[i + 1]}} == '=' ]]; then ((++i)); fi
            ((++i))
            ((i < COMP_CWORD)) && previous=''
            ;;
        *)
            case "$path $previous" in
            {1}) path="$path $previous" ;;
            esac
            ;;
        esac
    done
    case $previous in
{2}    esac
    if [[ -z $words ]]; then
        case $path in
{3}        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F _stele stele
)",
                       pattern_of(valued), path_pattern(places), values, words);
}

std::string zsh_completion(const CommandInfo& root) {
    const std::vector<Place> places = places_of(root);
    const auto valued = with_values(places);
    const auto described = [](const std::string& name, const std::string& description) {
        std::string text;
        for (const char letter : name) text += letter == ':' ? std::string("\\:") : std::string(1, letter);
        return " " + shell_quoted(text + ":" + description);
    };
    std::string values, words;
    for (const OptionInfo* option : valued) {
        std::string action = "_message " + shell_quoted(option->value);
        if (option->is_directory()) action = "_files -/";
        if (option->is_file()) action = "_files";
        if (const auto choices = option->choices(); !choices.empty()) action = "compadd -- " + joined(choices, " ");
        values += fmt::format("        {}) {}; return ;;\n", joined(option->names, "|"), action);
    }
    for (const Place& place : places) {
        std::string commands, options;
        for (const CommandInfo& below : place.command->commands) commands += described(below.name, below.description);
        for (const OptionInfo& argument : place.command->arguments) {
            for (const std::string& choice : argument.choices()) commands += described(choice, argument.description);
        }
        for (const OptionInfo* option : place.options) {
            for (const std::string& name : option->names) options += described(name, option->description);
        }
        words += fmt::format("        {})\n            commands=({})\n            options=({})\n            ;;\n",
                             shell_quoted(place.command->path), commands, options);
    }
    return fmt::format(R"(#compdef stele
# zsh completion for stele. Load it with: source <(stele completion zsh), or save it as _stele in a directory of $fpath.
_stele() {{
    local place=stele previous=
    local -a commands options
    integer i
    for ((i = 2; i < CURRENT; i++)); do
        previous=$words[i]
        case $previous in
        {0})
            ((++i))
            ((i < CURRENT)) && previous=
            ;;
        *)
            case "$place $previous" in
            {1}) place="$place $previous" ;;
            esac
            ;;
        esac
    done
    case $previous in
{2}    esac
    case $place in
{3}    esac
    if [[ $words[CURRENT] != -* ]] && (($#commands)); then
        _describe command commands
    else
        _describe -o option options
    fi
}}
if [[ $funcstack[1] == _stele ]]; then
    _stele "$@"
else
    compdef _stele stele
fi
)",
                       pattern_of(valued), path_pattern(places), values, words);
}

std::string fish_completion(const CommandInfo& root) {
    const std::vector<Place> places = places_of(root);
    std::vector<std::string> valued;
    for (const OptionInfo* option : with_values(places)) {
        valued.insert(valued.end(), option->names.begin(), option->names.end());
    }
    std::string text = fmt::format(R"(# fish completion for stele. Load it with: stele completion fish | source
function __stele_words
    set -l skip no
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case {}
                set skip yes
            case '-*'
            case '*'
                echo $word
        end
    end
end
function __stele_at
    set -l words (__stele_words)
    test "$words" = "$argv"
end
function __stele_in
    set -l words (__stele_words)
    set -l count (count $argv)
    test $count -eq 0; or test "$words[1..$count]" = "$argv"
end
complete -c stele -f
)",
                                   joined(valued, " "));
    for (const Place& place : places) {
        const CommandInfo& command = *place.command;
        const std::string words =
            command.path == command.name ? std::string() : " " + command.path.substr(command.path.find(' ') + 1);
        for (const CommandInfo& below : command.commands) {
            text += fmt::format("complete -c stele -n '__stele_at{}' -a {} -d {}\n", words, below.name,
                                fish_quoted(below.description));
        }
        for (const OptionInfo& argument : command.arguments) {
            if (const auto choices = argument.choices(); !choices.empty()) {
                text += fmt::format("complete -c stele -n '__stele_at{}' -a {}\n", words,
                                    fish_quoted(joined(choices, " ")));
            }
        }
        for (const OptionInfo& option : command.options) {
            text += fmt::format("complete -c stele -n '__stele_in{}'", words);
            for (const std::string& name : option.names) {
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            }
            if (const auto choices = option.choices(); !choices.empty()) {
                text += " -x -a " + fish_quoted(joined(choices, " "));
            } else if (option.is_directory()) {
                text += " -x -a '(__fish_complete_directories)'";
            } else if (option.is_file()) {
                text += " -r -F";
            } else if (!option.value.empty()) {
                text += " -x";
            }
            text += fmt::format(" -d {}\n", fish_quoted(option.description));
        }
    }
    return text;
}

}  // namespace stele::cli
