#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "text.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kWidestName = 30;

using Entries = std::vector<std::pair<std::string, std::string>>;

std::string argument_text(const OptionInfo& argument) {
    const std::string name = argument.value.empty() ? argument.names.front() : argument.value;
    return argument.required ? name : "[" + name + "]";
}

std::string usage_of(const CommandInfo& command) {
    std::string text = "Usage: " + command.path;
    if (!command.options.empty()) text += " [OPTIONS]";
    if (!command.commands.empty()) text += " COMMAND";
    for (const OptionInfo& argument : command.arguments) text += " " + argument_text(argument);
    return text + "\n";
}

/// `text` broken between words, every line but the first indented.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (column > indent && column + 1 + word.size() > kColumns) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        }
        if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
    }
    return out;
}

std::string section(std::string_view title, const Entries& entries) {
    if (entries.empty()) return {};
    std::size_t width = 0;
    for (const auto& [name, description] : entries) {
        if (name.size() <= kWidestName) width = std::max(width, name.size());
    }
    std::string text = fmt::format("\n{}:\n", title);
    for (const auto& [name, description] : entries) {
        text += fmt::format("  {:<{}}", name, width);
        if (name.size() > width) text += "\n" + std::string(width + 2, ' ');
        text += "  " + wrapped(description, width + 4) + "\n";
    }
    return text;
}

std::string global_line(const std::vector<OptionInfo>& global) {
    std::vector<std::string> names;
    for (const OptionInfo& option : global) {
        if (option.names.back() != "--help" && option.names.back() != "--version") names.push_back(option.names.back());
    }
    if (names.empty()) return {};
    return "\nGlobal options (see stele --help): " + wrapped(joined(names, ", "), 2) + "\n";
}

}  // namespace

std::string help_text(const CommandInfo& command, const std::vector<OptionInfo>& global) {
    Entries arguments, options, commands;
    for (const OptionInfo& argument : command.arguments) {
        arguments.emplace_back(argument.value.empty() ? argument.names.front() : argument.value, argument.description);
    }
    for (const OptionInfo& option : command.options) {
        std::string name = joined(option.names, ", ");
        if (!option.value.empty()) name += " " + option.value;
        options.emplace_back(std::move(name), option.description);
    }
    for (const CommandInfo& below : command.commands) commands.emplace_back(below.name, below.description);
    std::string text = wrapped(command.description, 0) + "\n\n" + usage_of(command);
    text += section("Commands", commands) + section("Arguments", arguments) + section("Options", options);
    text += global_line(global);
    if (!command.footer.empty()) text += "\n" + command.footer + "\n";
    return text;
}

std::string whole_help_text(const CommandInfo& command, const std::vector<OptionInfo>& global) {
    std::string text = "# " + command.path + "\n\n" + help_text(command, global);
    // a command of commands has no options of its own but --help
    const std::vector<OptionInfo>& passed = global.empty() ? command.options : global;
    for (const CommandInfo& each : command.commands) text += "\n" + whole_help_text(each, passed);
    return text;
}

}  // namespace stele::cli
