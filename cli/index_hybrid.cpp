#include "index_hybrid.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "exit_code.hpp"
#include "text.hpp"

namespace stele::cli {

HybridOptions<Json> HybridArguments::beside(const SearchOptions<Json>& plain) const {
    HybridOptions<Json> all = options;
    all.limit = plain.limit;
    all.where = plain.where;
    all.score_threshold = plain.score_threshold;
    all.deadline = plain.deadline;
    all.exact = plain.exact;
    return all;
}

void HybridArguments::apply(const IndexTableInfo& info, VectorIndexOptions& index) const {
    if (!wanted) return;
    TextOptions known = text;
    if (known.members.empty()) {
        const auto found = std::find_if(info.text.begin(), info.text.end(), [&](const IndexedText& each) {
            return text.configuration.empty() || each.configuration == text.configuration;
        });
        if (found == info.text.end()) {
            refuse(fmt::format(
                "'{0}' has no index of words{1}: name the members to look in by --text-member, and have "
                "them indexed by `stele index rebuild {0} --missing --text-member MEMBER`",
                one_line(info.table), text.configuration.empty() ? "" : " by " + one_line(text.configuration)));
        }
        known = {found->members, found->configuration};
    }
    known.apply(index);
}

void add_hybrid_options(CLI::App& command, HybridArguments& hybrid) {
    CLI::Option* wanted = command.add_flag(
        "--hybrid", hybrid.wanted, "Look for the words of the query, too, and fuse what both find by its places");
    wanted->excludes(command.get_option("--rerank"));
    const auto option = [&](const std::string& name, auto& value, const std::string& help, const char* what) {
        command.add_option(name, value, help)->option_text(what)->needs(wanted);
    };
    option("--words", hybrid.options.words, "With --hybrid: look for these words, and for the query by meaning only",
           "WORDS");
    option("--candidates", hybrid.options.candidates,
           "With --hybrid: how many each half lists (default: 3 times the limit, at least 50)", "N");
    option("--k", hybrid.options.k, "With --hybrid: the less it is, the more the first places count (default: 60)",
           "X");
    option("--vector-weight", hybrid.options.vector_weight, "With --hybrid: of the places by meaning (default: 1)",
           "X");
    option("--text-weight", hybrid.options.text_weight, "With --hybrid: of the places by words (default: 1)", "X");
    add_text_options(
        command, hybrid.text,
        "With --hybrid: look for words in this member; may be given several times (default: those that the "
        "table's index of words is of)");
    for (const char* name : {"--text-member", "--text-config"}) command.get_option(name)->needs(wanted);
}

void check_text_members(const JsonIndex& index, const HybridArguments& hybrid, std::optional<Deadline> deadline) {
    for (const std::string& member : hybrid.text.members) {
        const auto exists =
            Filter::compare(detail::parse_path(member), detail::FilterOperation::exists, detail::ValueKind::json, {});
        check_members(index, exists, deadline);
    }
}

}  // namespace stele::cli
