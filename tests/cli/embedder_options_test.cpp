#include "embedder_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "cli/model_fixture.hpp"
#include "cli/stele_command.hpp"
#include "embedding/model_catalog.hpp"
#include "embedding/tiny_bert.hpp"
#include "fingerprint_options.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using stele::test::error_of;
using stele::test::Outcome;
using stele::test::run_stele;
using stele::test::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

EmbedderOptions of_kind(const std::string& kind) {
    EmbedderOptions options;
    options.kind = kind;
    return options;
}

TEST(EmbedderOptions, without_any_the_command_decides) {
    EXPECT_EQ(make_embedder({}, EmbedderKind::none, {}).embedder, nullptr);
    EXPECT_EQ(make_embedder({}, EmbedderKind::hashing, {}).embedder->dimension(), 384U);
    EXPECT_EQ(make_embedder(of_kind("none"), EmbedderKind::hashing, {}).embedder, nullptr);
}

TEST(EmbedderOptions, those_of_a_local_model_mean_a_local_model) {
    EmbedderOptions model, precision, long_text;
    model.model = "m";
    precision.precision = "float32";
    long_text.long_text = "windows";
    for (const EmbedderOptions& options : {model, precision, long_text, of_kind("local")}) {
        EXPECT_EQ(kind_of(options, EmbedderKind::none), EmbedderKind::local);
    }
}

TEST(EmbedderOptions, contradictions_are_refused) {
    EmbedderOptions no_model, both, precise_server, hashing_model, local_dimension, none_dimension, local_key;
    no_model.url = both.url = precise_server.url = "http://127.0.0.1:1/v1";
    both.model = precise_server.model = hashing_model.model = "m";
    both.kind = hashing_model.kind = "hashing";
    precise_server.precision = "int8";
    local_dimension.kind = local_key.kind = "local";
    local_dimension.dimension = none_dimension.dimension = 64;
    local_key.key_variable = "KEY";
    for (const EmbedderOptions& options :
         {no_model, both, precise_server, hashing_model, local_dimension, none_dimension, local_key}) {
        EXPECT_EQ(error_of([&] { make_embedder(options, EmbedderKind::none, {}); }).code, ErrorCode::invalid_argument);
    }
    EXPECT_EQ(error_of([&] { kind_of(local_dimension, EmbedderKind::none); }).message,
              "--dimension is for --embedder-url or --embedder hashing; the embedder here is local");
}

TEST(EmbedderOptions, a_described_url_shows_no_secret) {
    EmbedderOptions options;
    options.model = "m-7b";
    options.url = "https://user:pa/ss@word@host:8080/v1?key=secret";
    EXPECT_THAT(describe(options, EmbedderKind::none), Not(HasSubstr("secret")));
    options.url = "https://user:pass@host:8080/v1";
    EXPECT_EQ(describe(options, EmbedderKind::none), "m-7b at https://host:8080/v1");
}

TEST(EmbedderOptions, are_described_as_they_work) {
    EmbedderOptions options;
    EXPECT_EQ(describe(options, EmbedderKind::local), "minilm, int8, in this process");
    EXPECT_EQ(describe(options, EmbedderKind::none), "none (exact questions only)");
    options.model = "./folder";
    options.precision = "float32";
    options.long_text = "windows";
    EXPECT_EQ(describe(options, EmbedderKind::none), "./folder, float32, windows, in this process");
}

std::string local_fingerprint(const char* model, const std::string& end) {
    const KnownModel& known = *find_known_model(model);
    return "stele-bert-v1:" + known.weights().sha256 + ":" + known.rest + ":" + end;
}

TEST(FingerprintOptions, lead_back_to_the_embedder) {
    EXPECT_EQ(options_naming(local_fingerprint("minilm", "mean:256:int8:cut")), "--model minilm");
    EXPECT_EQ(options_naming(local_fingerprint("minilm", "mean:256:float32:windows")),
              "--model minilm --precision float32 --long-text windows");
    EXPECT_EQ(options_naming(local_fingerprint("bge-small", "cls:512:int8:cut")), "--model bge-small");
    EXPECT_EQ(options_naming("stele-hashing-v1-384"), "--embedder hashing");
    EXPECT_EQ(options_naming("stele-hashing-v1-64"), "--embedder hashing --dimension 64");
    EXPECT_EQ(options_naming("openai:nomic:v1.5:768"), "--embedder-url URL --model nomic:v1.5");
}

TEST(FingerprintOptions, name_nothing_that_would_make_other_vectors) {
    const std::string sum = find_known_model("minilm")->weights().sha256;
    const std::string other_weights = "stele-bert-v1:" + std::string(64, '0') + ":d98491a2:mean:256:int8:cut";
    const std::string other_rest = "stele-bert-v1:" + sum + ":0123abcd:mean:256:int8:cut";
    for (const std::string& other : {std::string(), std::string("somebody-s own"), std::string("stele-bert-v1:"),
                                     other_weights, other_rest, "stele-bert-v1:" + sum + ":mean:256:int8"}) {
        EXPECT_EQ(options_naming(other), std::nullopt) << other;
    }
    for (const char* end : {"cls:256:int8:cut", "mean:128:int8:cut", "mean:256:int8:cut:query: ",
                            "mean:256:int8:cut:a:b", "mean:256:int4:cut", "mean:256:int8:mean", "mean:256:int8", ""}) {
        EXPECT_EQ(options_naming(local_fingerprint("minilm", end)), std::nullopt) << end;
    }
}

TEST(EmbedderOptions, a_model_in_a_folder_is_read_as_they_say) {
    const TemporaryDirectory directory;
    const fs::path folder = directory.path() / "tiny";
    stele::testing::TinyBert().write_to(folder);
    EmbedderOptions options;
    options.model = folder.string();
    const ChosenEmbedder int8 = make_embedder(options, EmbedderKind::none, {});
    EXPECT_EQ(int8.kind, EmbedderKind::local);
    EXPECT_FALSE(int8.embedder->threshold()) << "nobody has measured one";
    EXPECT_THAT(int8.embedder->fingerprint(), AllOf(HasSubstr(":int8"), Not(HasSubstr("windows"))));
    options.precision = "float32";
    options.long_text = "windows";
    EXPECT_THAT(make_embedder(options, EmbedderKind::none, {}).embedder->fingerprint(), HasSubstr(":float32:windows"));
}

TEST(EmbedderOptions, a_default_model_that_is_absent_is_one_error_that_says_what_to_do) {
    const TemporaryDirectory directory;
    const fs::path& path = directory.path();
    const test::Environment empty = {{"STELE_MODELS", path.string()},
                                     {"XDG_DATA_HOME", (path / "data").string()},
                                     {"HOME", path.string()},
                                     {"STELE_DATA_DIR", (path / "cluster").string()}};
    const std::vector<std::vector<std::string>> lines = {
        {"cache", "get", "q"}, {"cache", "put", "q", "r"}, {"demo", "--limit", "1"}};
    for (const auto& line : lines) {
        const Outcome run = run_stele(line, empty);
        EXPECT_EQ(run.exit, 3) << ::testing::PrintToString(line);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
        EXPECT_THAT(run.err, AllOf(HasSubstr("stele model install minilm"), HasSubstr(path.string()),
                                   HasSubstr("`--embedder ")));
    }
    EXPECT_FALSE(fs::exists(path / "cluster")) << "nothing was started for it";
}

}  // namespace
}  // namespace stele::cli
