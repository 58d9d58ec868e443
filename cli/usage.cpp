#include "usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "exit_code.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

bool may_be_empty(const CLI::Option& option) {
    const std::string& text = option.get_option_text();
    return text.starts_with("TEXT") || text == "QUERY" || text == "RESPONSE";
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before(to.size() + 1), row(to.size() + 1), next(to.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 1; i <= from.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = row[j - 1] + (from[i - 1] == to[j - 1] ? 0U : 1U);
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before = std::exchange(row, next);
    }
    return row[to.size()];
}

/// "; did you mean `history`?", or nothing when none is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
    constexpr std::size_t kFarthest = 2;
    std::size_t best = kFarthest + 1;
    const std::string* nearest = nullptr;
    for (const std::string& each : known) {
        const std::size_t away = distance(word, each);
        if (away >= best || away * 2 > each.size()) continue;
        best = away;
        nearest = &each;
    }
    return nearest == nullptr ? "" : fmt::format("; did you mean `{}`?", *nearest);
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(each->get_name());
    }
    return names;
}

/// Of the command and those above it.
std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const CLI::Option* option : at->get_options()) {
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        }
    }
    return names;
}

}  // namespace

const CLI::App& innermost(const CLI::App& app) {
    const auto named = app.get_subcommands();
    return named.empty() ? app : innermost(*named.front());
}

void check_given(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        const bool is_flag = option->get_items_expected_max() == 0;
        if (is_flag || option->count() == 0 || may_be_empty(*option)) continue;
        const auto& values = option->results();
        if (std::find(values.begin(), values.end(), "") == values.end()) continue;
        const bool argument = option->get_lnames().empty() && option->get_snames().empty();
        refuse(fmt::format("{} is empty: give it a value (is a variable of the shell not set?) or leave it out",
                           argument ? option->get_option_text() : option->get_name()));
    }
    for (const CLI::App* command : app.get_subcommands()) check_given(*command);
}

std::string check_seconds(const std::string& text) {
    constexpr double kLongest = 1e9;
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    const bool whole = !text.empty() && end == text.c_str() + text.size();
    if (whole && std::isfinite(seconds) && seconds > 0 && seconds <= kLongest) return {};
    return fmt::format("takes a number of seconds above 0, not '{}'", text);
}

std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& command = innermost(app);
    std::vector<std::string> rest = app.remaining(true);
    std::erase(rest, "--");
    const auto is_option = [](const std::string& word) { return word.size() > 1 && word.front() == '-'; };
    // not by its name, which CLI11 sets to the command's for some
    const bool is_extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
    const bool is_lack = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
    if (rest.empty() || (!is_extra && !is_lack)) {
        return error.what();
    }
    if (const auto found = std::find_if(rest.begin(), rest.end(), is_option); found != rest.end()) {
        const std::string name = found->substr(0, found->find('='));
        return fmt::format("there is no option {}{}", name, suggestion(name, options_of(command)));
    }
    if (const auto commands = commands_of(command); !commands.empty()) {
        return fmt::format("there is no command '{}'{}", rest.front(), suggestion(rest.front(), commands));
    }
    return is_extra ? fmt::format("not expected: {}", joined(rest, " ")) : error.what();
}

}  // namespace stele::cli
