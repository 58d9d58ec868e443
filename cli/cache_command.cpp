#include "cache_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "fingerprint_options.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {
namespace {

/// Empty when there is none, or it cannot be read: the error that it is wanted for is then told without it.
std::string stored_fingerprint(Database& database) {
    try {
        const Sql sql("SELECT value FROM " + database.quoted_schema() +
                      ".schema_meta WHERE key = 'embedder_fingerprint'");
        const Rows rows = database.query(Statement(sql));
        return rows.empty() ? std::string() : rows[0].get<std::string>(0);
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

Scope ScopeOptions::scope() const {
    Scope scope = name_space.empty() ? Scope() : Scope(name_space);
    for (const std::string& attribute : attributes) {
        const std::size_t equals = attribute.find('=');
        if (equals == std::string::npos || equals == 0) {
            refuse(fmt::format("--attribute takes NAME=VALUE, not '{}'", attribute));
        }
        scope = scope.with(attribute.substr(0, equals), attribute.substr(equals + 1));
    }
    return scope;
}

void add_scope_options(CLI::App& command, ScopeOptions& options) {
    command.add_option("-n,--namespace", options.name_space, "The tenant (default: default)")->option_text("NAME");
    command
        .add_option("-a,--attribute", options.attributes,
                    "What the answer depends on, such as model=m-7b; may be given several times")
        ->option_text("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);  // else it would take the question, too
}

Dependency read_dependency(const std::string& text) {
    const std::size_t equals = text.find('='), at = text.rfind('@');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        refuse(fmt::format("--depends-on takes KIND=NAME or KIND=NAME@VERSION, not '{}'", text));
    }
    std::string kind = text.substr(0, equals);
    if (at == std::string::npos || at < equals) return Dependency::on_newest(std::move(kind), text.substr(equals + 1));
    return {std::move(kind), text.substr(equals + 1, at - equals - 1), text.substr(at + 1)};
}

void add_cache_embedder_options(CLI::App& command, EmbedderOptions& options) {
    add_embedder_options(command, options, "local in the embedded cluster, none on a server that is named");
}

ChosenEmbedder make_cache_embedder(Context& context, const EmbedderOptions& options) {
    return make_embedder(options, context.embedded() ? EmbedderKind::local : EmbedderKind::none, context.deadline(),
                         "`--embedder none` goes without and finds the same question only");
}

SemanticCache open_cache(Context& context, std::shared_ptr<Embedder> embedder, const SemanticCacheOptions& options) {
    try {
        return {context.database(), std::move(embedder), options};
    } catch (const Error& error) {
        if (error.code() != ErrorCode::fingerprint_mismatch && error.code() != ErrorCode::dimension_mismatch) throw;
        ErrorInfo info = error.info();
        const auto options_there = options_naming(stored_fingerprint(context.database()));
        info.message +=
            fmt::format("; {}--schema names other tables, and `--embedder none` finds the same question only",
                        options_there ? fmt::format("`{}` names that embedder, ", *options_there) : "");
        throw Error(std::move(info));
    }
}

std::string why_wording_only(const WatchedEmbedder* embedder) {
    if (embedder == nullptr) return "no embedder is used here (--embedder local, or --embedder-url)";
    return embedder->truncated() ? "this one is longer than the model reads" : "";
}

void add_cache(CLI::App& app, Context& context) {
    CLI::App* cache = app.add_subcommand("cache", "Looks up, stores, lists and limits answers");
    cache->require_subcommand(1, 1);
    add_cache_get(*cache, context);
    add_cache_explain(*cache, context);
    add_cache_compute(*cache, context);
    add_cache_policy(*cache, context);
    add_cache_publish(*cache, context);
    add_cache_put(*cache, context);
    add_cache_remove(*cache, context);
    add_cache_stats(*cache, context);
    add_cache_list(*cache, context);
    add_cache_namespaces(*cache, context);
    add_cache_quota(*cache, context);
    add_cache_vacuum(*cache, context);
    add_cache_calibrate(*cache, context);
    add_cache_reembed(*cache, context);
    add_cache_export(*cache, context);
    add_cache_import(*cache, context);
    cache->footer(R"(Examples:
  stele cache put "Where is my order?" "In your account, under Orders."
  stele cache get "where is my ORDER?"
  stele cache list --limit 10)");
}

}  // namespace stele::cli
