#include "embedder_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "exit_code.hpp"
#include "stele/hashing_embedder.hpp"
#include "stele/http_embedder.hpp"
#include "stele/local_embedder.hpp"

namespace stele::cli {
namespace {

std::string_view name_of(EmbedderKind kind) {
    switch (kind) {
        case EmbedderKind::none: return "none";
        case EmbedderKind::hashing: return "hashing";
        case EmbedderKind::local: return "local";
        case EmbedderKind::http: return "that of --embedder-url";
    }
    return "none";
}

EmbedderKind named_kind(const EmbedderOptions& options, EmbedderKind by_default) {
    if (!options.url.empty()) {
        if (!options.kind.empty()) refuse("--embedder-url and --embedder exclude each other: give one of them");
        if (options.model.empty()) refuse("--embedder-url needs --model, the name by which the server knows the model");
        return EmbedderKind::http;
    }
    if (options.kind == "hashing") return EmbedderKind::hashing;
    if (options.kind == "none") return EmbedderKind::none;
    const bool local = !options.model.empty() || !options.precision.empty() || !options.long_text.empty();
    return local || options.kind == "local" ? EmbedderKind::local : by_default;
}

/// A user, a password or a key may stand in it.
std::string without_secrets(std::string url) {
    url.resize(std::min(url.size(), url.find_first_of("?#")));
    const std::size_t scheme = url.find("://");
    const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    const std::size_t at = url.rfind('@', url.find('/', host));
    if (at != std::string::npos && at >= host) url.erase(host, at + 1 - host);
    return url;
}

ChosenEmbedder make_http_embedder(const EmbedderOptions& options, std::optional<Deadline> deadline) {
    HttpEmbedderOptions http;
    http.url = options.url;
    http.model = options.model;
    http.dimension = options.dimension;
    if (options.key_variable) http.key_variable = *options.key_variable;
    auto embedder = std::make_shared<HttpEmbedder>(std::move(http), call_deadline(EmbedderKind::http, deadline));
    return {EmbedderKind::http, std::move(embedder)};
}

ChosenEmbedder make_local_embedder(const EmbedderOptions& options, std::string_view instead) {
    LocalEmbedderOptions local;
    if (!options.model.empty()) local.model = options.model;
    if (options.precision == "float32") local.precision = LocalEmbedderOptions::Precision::float32;
    if (options.long_text == "windows") local.long_text = LocalEmbedderOptions::LongText::mean_of_windows;
    local.threads = 0;
    try {
        return {EmbedderKind::local, std::make_shared<LocalEmbedder>(std::move(local))};
    } catch (const Error& error) {
        if (instead.empty() || error.code() != ErrorCode::embedder_failed) throw;
        ErrorInfo info = error.info();
        info.message += fmt::format("; {}", instead);
        throw Error(std::move(info));
    }
}

}  // namespace

void add_embedder_options(CLI::App& command, EmbedderOptions& options, std::string_view by_default, bool may_be_none) {
    command
        .add_option("--embedder", options.kind,
                    fmt::format("local: a model in this process; hashing: similar wording, not similar meaning, for "
                                "trying out only{} (default: {})",
                                may_be_none ? "; none: the same question only" : "", by_default))
        ->option_text(may_be_none ? "local|hashing|none" : "local|hashing")
        ->check(CLI::IsMember(may_be_none ? std::vector<std::string>{"local", "hashing", "none"}
                                          : std::vector<std::string>{"local", "hashing"}));
    command
        .add_option("--model", options.model,
                    "An installed model (see stele model list) or a folder, with a slash (default: minilm); with "
                    "--embedder-url the server's name for it")
        ->option_text("MODEL");
    command
        .add_option("--precision", options.precision,
                    "Of a local model: int8 is faster and smaller, float32 exact; their vectors do not mix (default: "
                    "int8)")
        ->option_text("int8|float32")
        ->check(CLI::IsMember({"int8", "float32"}));
    command
        .add_option("--long-text", options.long_text,
                    "Of a text longer than the local model reads: cut ignores the end, windows takes the mean of its "
                    "parts; their vectors do not mix (default: cut)")
        ->option_text("cut|windows")
        ->check(CLI::IsMember({"cut", "windows"}));
    command
        .add_option("--embedder-url", options.url,
                    "A server that speaks OpenAI's /v1/embeddings, for example http://127.0.0.1:8080/v1")
        ->option_text("URL");
    command
        .add_option("--dimension", options.dimension, "Elements of a server's or a hashing vector (default: its own)")
        ->option_text("N");
    command
        .add_option("--key-variable", options.key_variable,
                    "The environment variable that holds the server's key (default: OPENAI_API_KEY)")
        ->option_text("NAME");
}

EmbedderKind kind_of(const EmbedderOptions& options, EmbedderKind by_default) {
    const EmbedderKind kind = named_kind(options, by_default);
    const auto only_for = [kind](std::string_view option, bool given, std::initializer_list<EmbedderKind> kinds,
                                 std::string_view what) {
        if (!given || std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return;
        refuse(fmt::format("{} is for {}; the embedder here is {}", option, what, name_of(kind)));
    };
    constexpr std::string_view kLocal = "a local model (--embedder local)";
    only_for("--model", !options.model.empty(), {EmbedderKind::local, EmbedderKind::http},
             "a local model (--embedder local) or --embedder-url");
    only_for("--precision", !options.precision.empty(), {EmbedderKind::local}, kLocal);
    only_for("--long-text", !options.long_text.empty(), {EmbedderKind::local}, kLocal);
    only_for("--dimension", options.dimension != 0, {EmbedderKind::hashing, EmbedderKind::http},
             "--embedder-url or --embedder hashing");
    only_for("--key-variable", options.key_variable.has_value(), {EmbedderKind::http}, "--embedder-url");
    return kind;
}

ChosenEmbedder make_embedder(const EmbedderOptions& options, EmbedderKind by_default, std::optional<Deadline> deadline,
                             std::string_view instead) {
    constexpr std::size_t kDefaultDimension = 384;
    switch (kind_of(options, by_default)) {
        case EmbedderKind::none: break;
        case EmbedderKind::hashing:
            return {EmbedderKind::hashing,
                    std::make_shared<HashingEmbedder>(options.dimension == 0 ? kDefaultDimension : options.dimension)};
        case EmbedderKind::local: return make_local_embedder(options, instead);
        case EmbedderKind::http: return make_http_embedder(options, deadline);
    }
    return {};
}

Deadline call_deadline(EmbedderKind kind, std::optional<Deadline> deadline) {
    if (deadline) return *deadline;
    return kind == EmbedderKind::http ? Deadline::after(std::chrono::seconds(30)) : Deadline::never();
}

std::string describe(const EmbedderOptions& options, EmbedderKind by_default) {
    const auto either = [](const std::string& given, std::string_view otherwise) {
        return given.empty() ? std::string(otherwise) : given;
    };
    switch (kind_of(options, by_default)) {
        case EmbedderKind::none: break;
        case EmbedderKind::hashing: return "hashing (matches wording, not meaning)";
        case EmbedderKind::local:
            return fmt::format("{}, {}{}, in this process", either(options.model, LocalEmbedderOptions().model),
                               either(options.precision, "int8"), options.long_text == "windows" ? ", windows" : "");
        case EmbedderKind::http: return fmt::format("{} at {}", options.model, without_secrets(options.url));
    }
    return "none (exact questions only)";
}

}  // namespace stele::cli
