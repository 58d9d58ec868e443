#include "stele/local_embedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "stele/error.hpp"
#include "stele/models.hpp"
#include "support/environment.hpp"
#include "support/in_threads.hpp"
#include "tiny_bert.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using stele::testing::TinyBert;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Options = LocalEmbedderOptions;

class LocalEmbedderTest : public ::testing::Test {
protected:
    LocalEmbedderTest() { TinyBert().write_to(folder_); }
    ~LocalEmbedderTest() override { fs::remove_all(folder_); }

    Options options() const {
        Options options;
        options.model = folder_.string();
        return options;
    }
    static std::vector<Embedding> embed(LocalEmbedder& embedder, const std::vector<std::string>& texts) {
        const std::vector<std::string_view> views(texts.begin(), texts.end());
        return embedder.embed(views, Deadline::never());
    }
    static ErrorInfo error_of(const Options& options) {
        try {
            LocalEmbedder embedder(options);
        } catch (const Error& error) {
            return error.info();
        }
        ADD_FAILURE() << "no Error was thrown";
        return {};
    }
    static double length(const std::vector<float>& vector) {
        double square = 0;
        for (const float value : vector) square += double{value} * double{value};
        return std::sqrt(square);
    }

    fs::path folder_ =
        fs::path(::testing::TempDir()) / ("tiny-bert-" + std::to_string(::getpid()) + "-" +
                                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(LocalEmbedderTest, embeds_every_text_as_the_plain_sums_do) {
    Options exact = options();
    exact.precision = Options::Precision::float32;
    LocalEmbedder embedder(exact);
    EXPECT_EQ(embedder.dimension(), TinyBert::kHidden);
    const auto embeddings = embed(embedder, {"a bc", "", "wörd ☺", std::string("x\0y", 3)});
    ASSERT_EQ(embeddings.size(), 4u);
    for (const Embedding& embedding : embeddings) {
        EXPECT_NEAR(length(embedding.vector), 1, 1e-6);
        EXPECT_FALSE(embedding.truncated);
    }
    // [CLS] a b ##c [SEP]: letters begin at 4, their continuations at 30
    const std::vector<double> expected = TinyBert().embed({2, 4, 5, 32, 3}, true);
    for (std::size_t k = 0; k < TinyBert::kHidden; ++k) EXPECT_NEAR(embeddings[0].vector[k], expected[k], 1e-5);
}

TEST_F(LocalEmbedderTest, gives_the_same_bits_alone_in_a_batch_and_on_many_threads) {
    std::vector<std::string> texts;
    for (int i = 0; i < 200; ++i) texts.push_back(std::string(static_cast<std::size_t>(i % 30), 'q') + " a b c");
    LocalEmbedder one(options());
    Options parallel = options();
    parallel.threads = 4;
    LocalEmbedder many(parallel);
    const auto together = embed(one, texts);
    const auto threaded = embed(many, texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(together[i].vector, embed(one, {texts[i]})[0].vector);
        EXPECT_EQ(together[i].vector, threaded[i].vector);
    }
}

TEST_F(LocalEmbedderTest, serves_concurrent_callers) {
    LocalEmbedder embedder(options());
    const auto expected = embed(embedder, {"a b c"});
    test::in_threads(6, [&](int) {
        for (int i = 0; i < 20; ++i) EXPECT_EQ(embed(embedder, {"a b c"})[0].vector, expected[0].vector);
    });
}

TEST_F(LocalEmbedderTest, says_that_a_text_was_cut) {
    Options shorter = options();
    shorter.max_length = 6;
    LocalEmbedder embedder(shorter);
    const auto embeddings = embed(embedder, {"a b c d", "a b c d e", "a b c d f"});
    EXPECT_FALSE(embeddings[0].truncated);
    EXPECT_TRUE(embeddings[1].truncated);
    EXPECT_EQ(embeddings[1].vector, embeddings[2].vector);  // which is why it must be said
}

TEST_F(LocalEmbedderTest, takes_the_mean_of_the_windows_of_a_long_text_when_asked_to) {
    Options windows = options();
    windows.max_length = 6;
    windows.long_text = Options::LongText::mean_of_windows;
    LocalEmbedder embedder(windows);
    const auto embeddings = embed(embedder, {"a b c d", "e f", "a b c d e f", ""});
    for (const Embedding& embedding : embeddings) {
        EXPECT_FALSE(embedding.truncated);
        EXPECT_NEAR(length(embedding.vector), 1, 1e-6);
    }
    for (std::size_t k = 0; k < TinyBert::kHidden; ++k) {
        const float sum = embeddings[0].vector[k] + embeddings[1].vector[k];
        EXPECT_NEAR(embeddings[2].vector[k] *
                        static_cast<float>(std::sqrt(2 + 2 *
                                                             [&] {
                                                                 double cosine = 0;
                                                                 for (std::size_t i = 0; i < TinyBert::kHidden; ++i) {
                                                                     cosine += double{embeddings[0].vector[i]} *
                                                                               double{embeddings[1].vector[i]};
                                                                 }
                                                                 return cosine;
                                                             }())),
                    sum, 1e-4);
    }
}

TEST_F(LocalEmbedderTest, puts_the_prefix_before_every_text) {
    LocalEmbedder plain(options());
    Options prefixed = options();
    prefixed.prefix = "q ";
    LocalEmbedder with_prefix(prefixed);
    EXPECT_EQ(embed(with_prefix, {"a"})[0].vector, embed(plain, {"q a"})[0].vector);
}

TEST_F(LocalEmbedderTest, has_a_fingerprint_of_all_that_decides_a_vector) {
    const std::string weights = "stele-bert-v1:" + sha256_hex(TinyBert().file()) + ":";
    const std::string whole = LocalEmbedder(options()).fingerprint();
    EXPECT_THAT(whole, StartsWith(weights));
    const std::string rest = whole.substr(weights.size(), 8);
    EXPECT_EQ(whole, weights + rest + ":mean:40:int8:cut");
    Options other = options();
    other.precision = Options::Precision::float32;
    other.pooling = Options::Pooling::cls;
    other.max_length = 30;
    other.prefix = "query: ";
    other.long_text = Options::LongText::mean_of_windows;
    EXPECT_EQ(LocalEmbedder(other).fingerprint(), weights + rest + ":cls:30:float32:windows:query: ");
}

TEST_F(LocalEmbedderTest, has_another_fingerprint_with_another_configuration_or_vocabulary_of_the_same_weights) {
    const std::string whole = LocalEmbedder(options()).fingerprint();
    nlohmann::json config = TinyBert::config();
    config["num_hidden_layers"] = 1;
    TinyBert::write(folder_ / "config.json", config.dump());
    const std::string shallow = LocalEmbedder(options()).fingerprint();
    EXPECT_NE(shallow, whole);
    TinyBert::write(folder_ / "config.json", TinyBert::config().dump());
    EXPECT_EQ(LocalEmbedder(options()).fingerprint(), whole);
    TinyBert::write(folder_ / "tokenizer_config.json", R"({"do_lower_case": false})");
    const std::string cased = LocalEmbedder(options()).fingerprint();
    EXPECT_NE(cased, whole);
    EXPECT_NE(cased, shallow);
}

TEST_F(LocalEmbedderTest, does_not_believe_the_record_of_a_folder_that_was_brought) {
    const RecordedFile true_one = record_file(folder_, "model.safetensors");
    RecordedFile forged = true_one;
    forged.sha256 = known_models().front().weights().sha256;
    TinyBert::write(folder_ / kModelRecord, ModelRecord{"tiny", "", {forged}}.text());
    LocalEmbedder embedder(options());
    EXPECT_THAT(embedder.fingerprint(), StartsWith("stele-bert-v1:" + true_one.sha256));
    EXPECT_FALSE(embedder.threshold());
}

TEST_F(LocalEmbedderTest, refuses_a_model_of_a_name_whose_weights_are_not_the_recorded_ones) {
    const test::EnvironmentVariable models("STELE_MODELS", folder_.parent_path().string());
    Options named;
    named.model = folder_.filename().string();
    TinyBert::write(folder_ / kModelRecord,
                    ModelRecord{named.model, "", {record_file(folder_, "model.safetensors")}}.text());
    EXPECT_NO_THROW(LocalEmbedder{named});
    std::string damaged = TinyBert().file();
    damaged.back() = static_cast<char>(damaged.back() + 1);
    TinyBert::write(folder_ / "model.safetensors", damaged);
    fs::last_write_time(folder_ / "model.safetensors", fs::file_time_type::clock::now() + std::chrono::seconds(5));
    const ErrorInfo error = error_of(named);
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("model.safetensors is damaged"), HasSubstr("stele model verify " + named.model)));
}

TEST_F(LocalEmbedderTest, a_small_file_that_cannot_be_read_is_not_taken_for_one_that_is_absent) {
    fs::create_directory(folder_ / "modules.json");
    EXPECT_THAT(error_of(options()).message, HasSubstr("modules.json: it is not a regular file"));
    fs::remove(folder_ / "modules.json");
    fs::create_directory(folder_ / "1_Pooling");
    ASSERT_EQ(::mkfifo((folder_ / "1_Pooling" / "config.json").c_str(), 0600), 0);
    EXPECT_THAT(error_of(options()).message, HasSubstr("1_Pooling/config.json: it is not a regular file"));
}

TEST_F(LocalEmbedderTest, knows_no_threshold_of_a_model_that_nobody_measured) {
    EXPECT_FALSE(LocalEmbedder(options()).threshold());
}

TEST_F(LocalEmbedderTest, gives_up_at_the_deadline) {
    LocalEmbedder embedder(options());
    const std::string_view text = "a";
    try {
        embedder.embed(std::span(&text, 1), Deadline::after(std::chrono::seconds(0)));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
    }
}

TEST_F(LocalEmbedderTest, refuses_text_that_is_not_utf8) {
    LocalEmbedder embedder(options());
    EXPECT_THROW(embed(embedder, {"a", "\xff"}), Error);
}

TEST_F(LocalEmbedderTest, names_the_command_that_installs_an_absent_model) {
    const test::EnvironmentVariable models("STELE_MODELS", "/nowhere/models"), data("XDG_DATA_HOME", "/nowhere/data");
    const ErrorInfo error = error_of(Options{});
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_THAT(error.message, AllOf(HasSubstr("stele model install minilm"), HasSubstr("/nowhere/models")));
}

TEST_F(LocalEmbedderTest, says_what_is_wrong_with_a_folder) {
    const auto refused = [&](const char* file, const std::string& text) {
        const fs::path path = folder_ / file;
        fs::rename(path, path.string() + ".kept");
        if (!text.empty()) TinyBert::write(path, text);
        const ErrorInfo error = error_of(options());
        fs::remove(path);
        fs::rename(path.string() + ".kept", path);
        EXPECT_EQ(error.code, ErrorCode::embedder_failed) << error.message;
        EXPECT_THAT(error.message, HasSubstr(folder_.string()));
        return error.message;
    };
    EXPECT_THAT(refused("config.json", ""), HasSubstr("config.json"));
    EXPECT_THAT(refused("config.json", R"({"model_type": "gpt2"})"), HasSubstr("model_type is \"gpt2\""));
    EXPECT_THAT(refused("vocab.txt", ""), HasSubstr("vocab.txt or tokenizer.json"));
    EXPECT_THAT(refused("vocab.txt", std::string(57, '\n')), HasSubstr("more than 56 tokens"));
    EXPECT_THAT(refused("model.safetensors", "no such thing"), HasSubstr("safetensors"));
    TinyBert::write(folder_ / "modules.json", R"([{"type": "sentence_transformers.models.Dense"}])");
    EXPECT_THAT(error_of(options()).message, HasSubstr("Dense"));
}

TEST_F(LocalEmbedderTest, says_which_file_of_a_folder_is_damaged_and_names_no_command) {
    const auto refused = [&](const fs::path& folder) {
        Options given;
        given.model = folder.string();
        const ErrorInfo error = error_of(given);
        EXPECT_EQ(error.code, ErrorCode::embedder_failed);
        EXPECT_THAT(error.message, AllOf(HasSubstr(folder.string()), Not(HasSubstr("stele model"))));
        return error.message;
    };
    EXPECT_THAT(refused(folder_ / "none"), HasSubstr("there is no folder " + folder_.string() + "/none"));
    EXPECT_THAT(refused(folder_ / "config.json"), HasSubstr("there is no folder"));
    TinyBert::write(folder_ / kModelRecord, "{");
    EXPECT_THAT(refused(folder_), HasSubstr("stele-model.json is not what Stele wrote"));
    TinyBert::write(folder_ / kModelRecord, ModelRecord{"tiny", "", {{"vocab.txt", "ab", 1, 1}}}.text());
    EXPECT_THAT(refused(folder_ / ""), HasSubstr("vocab.txt has 180 bytes, not 1"));
    TinyBert::write(folder_ / kModelRecord, ModelRecord{"tiny", "", {{"more.txt", "ab", 1, 1}}}.text());
    EXPECT_THAT(refused(folder_), HasSubstr("more.txt is missing"));
    fs::remove(folder_ / kModelRecord);
    for (const char* file : {"config.json", "vocab.txt", "model.safetensors"}) {
        fs::remove(folder_ / file);
        EXPECT_THAT(refused(folder_), HasSubstr(file));
    }
}

TEST_F(LocalEmbedderTest, takes_accents_and_ideographs_as_the_tokenizer_does) {
    LocalEmbedder usual(options());
    const auto stripped = embed(usual, {"é", "e"});
    EXPECT_EQ(stripped[0].vector, stripped[1].vector);
    TinyBert::write(folder_ / "tokenizer_config.json", R"({"strip_accents": false, "tokenize_chinese_chars": false})");
    LocalEmbedder exact(options());
    const auto kept = embed(exact, {"é", "e", "a\u4e00b", "a \u4e00 b"});
    EXPECT_NE(kept[0].vector, kept[1].vector);
    EXPECT_NE(kept[2].vector, kept[3].vector);
}

TEST_F(LocalEmbedderTest, believes_a_tokenizer_json_whatever_else_is_said) {
    nlohmann::json vocabulary;
    for (const std::string& token : TinyBert().vocabulary) vocabulary[token] = vocabulary.size();
    const nlohmann::json tokenizer = {
        {"normalizer", {{"type", "BertNormalizer"}, {"lowercase", true}, {"strip_accents", nullptr}}},
        {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
        {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
        {"model",
         {{"type", "WordPiece"},
          {"unk_token", "[UNK]"},
          {"continuing_subword_prefix", "##"},
          {"max_input_chars_per_word", 100},
          {"vocab", vocabulary}}}};
    LocalEmbedder by_vocabulary(options());
    fs::remove(folder_ / "vocab.txt");
    TinyBert::write(folder_ / "tokenizer.json", tokenizer.dump());
    TinyBert::write(folder_ / "tokenizer_config.json", R"({"strip_accents": false, "tokenize_chinese_chars": false})");
    LocalEmbedder by_json(options());
    for (const char* text : {"Wörd é", "a\u4e00b"}) {
        EXPECT_EQ(embed(by_json, {text})[0].vector, embed(by_vocabulary, {text})[0].vector) << text;
    }
}

TEST_F(LocalEmbedderTest, refuses_a_length_that_the_model_has_no_positions_for) {
    Options longer = options();
    longer.max_length = 41;
    EXPECT_THAT(error_of(longer).message, HasSubstr("3 to 40"));
    longer.max_length = 2;
    EXPECT_EQ(error_of(longer).code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stele
