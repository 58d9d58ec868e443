#include "embedding/model_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/hash.hpp"
#include "embedding/model_record.hpp"
#include "support/environment.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

ModelFile known_file(std::string name, const std::string& content) {
    return {std::move(name), sha256_hex(content), content.size(), {}};
}

/// As what cannot be embedded with.
template <class Call>
bool fails(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code() == ErrorCode::embedder_failed;
    }
    return false;
}

/// A catalog with one small model, and folders to keep it in.
class ModelFolder : public testing::Test {
protected:
    ModelFolder() {
        KnownModel model;
        model.name = "tiny";
        model.title = "tiny-model";
        model.files = {known_file("model.safetensors", kWeights), known_file("vocab.txt", kVocabulary),
                       known_file("config.json", "{}")};
        catalog_ = {model};
    }

    static constexpr const char* kWeights = "0123456789";
    static constexpr const char* kVocabulary = "[PAD]\n";

    fs::path models(const char* name = "models") const { return directory_.path() / name; }
    fs::path tiny() const { return models() / "tiny"; }
    std::vector<fs::path> search() const { return {models(), models("more")}; }
    Result<InstalledModel> find(std::string_view name = "tiny") const {
        return look_for_model(name, search(), catalog_);
    }
    std::string error(std::string_view name = "tiny") const {
        const auto model = find(name);
        if (model) return "(found)";
        EXPECT_EQ(model.error().code, ErrorCode::embedder_failed);
        return model.error().message;
    }

    /// As `stele model install` places it.
    void install(const fs::path& folder) const {
        write(folder / "model.safetensors", kWeights);
        write(folder / "vocab.txt", kVocabulary);
        write(folder / "config.json", "{}");
        record(folder, catalog_.front().files);
    }
    static void record(const fs::path& folder, const std::vector<ModelFile>& files) {
        ModelRecord record{"tiny", "a test", {}};
        for (const ModelFile& file : files) {
            const auto state = file_state(folder / file.name);
            ASSERT_TRUE(state) << file.name;
            record.files.push_back({file.name, file.sha256, state->bytes, state->mtime_ns});
        }
        write(folder / kModelRecord, record.text());
    }
    static void touch(const fs::path& file) {
        fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
    }

    ModelCatalog catalog_;
    TemporaryDirectory directory_;
};

// ---- where ----------------------------------------------------------------------------------------------------------

TEST(ModelSearchPath, is_the_users_data_folder_and_then_the_systems) {
    EXPECT_THAT(
        model_search_path({"", "", "/home/ann"}),
        ElementsAre("/home/ann/.local/share/stele/models", "/usr/local/share/stele/models", "/usr/share/stele/models"));
    EXPECT_THAT(model_search_path({"", "/data", "/home/ann"}),
                ElementsAre("/data/stele/models", "/usr/local/share/stele/models", "/usr/share/stele/models"));
}

TEST(ModelSearchPath, begins_with_what_stele_models_names) {
    const ModelEnvironment environment{"/a:/b/../c::", "", "/home/ann"};
    EXPECT_THAT(model_search_path(environment),
                ElementsAre("/a", "/c", "/home/ann/.local/share/stele/models", "/usr/local/share/stele/models",
                            "/usr/share/stele/models"));
    EXPECT_EQ(model_install_folder(environment), "/a");
}

TEST(ModelSearchPath, makes_relative_folders_absolute_but_ignores_a_relative_data_home) {
    const ModelEnvironment environment{"models", "data", "/home/ann"};
    EXPECT_EQ(model_search_path(environment).front(), fs::current_path() / "models");
    EXPECT_EQ(model_search_path(environment).at(1), "/home/ann/.local/share/stele/models");
}

TEST(ModelSearchPath, does_without_a_home) {
    EXPECT_THAT(model_search_path({"", "", ""}),
                ElementsAre("/usr/local/share/stele/models", "/usr/share/stele/models"));
    EXPECT_EQ(model_install_folder({"", "", ""}), std::nullopt);
    EXPECT_EQ(model_install_folder({":", "", "/home/ann"}), "/home/ann/.local/share/stele/models");
}

TEST(ModelSearchPath, reads_the_environment) {
    const test::EnvironmentVariable models("STELE_MODELS", "/somewhere");
    EXPECT_EQ(model_search_path().front(), "/somewhere");
}

// ---- sums -----------------------------------------------------------------------------------------------------------

TEST(FileSum, is_that_of_the_whole_file) {
    const TemporaryDirectory directory;
    std::string content;
    while (content.size() < 600'000) content += "0123456789abcdef";
    for (const std::size_t size : {0U, 1U, 262'144U, 262'145U, 600'000U}) {
        write(directory.path() / "file", content.substr(0, size));
        EXPECT_EQ(file_sum(directory.path() / "file").value(), sha256_hex(content.substr(0, size))) << size;
    }
}

TEST(FileSum, what_cannot_be_read_is_an_error_that_names_it) {
    const TemporaryDirectory directory;
    EXPECT_THAT(file_sum(directory.path() / "none").error().message, HasSubstr("none cannot be read: No such file"));
    EXPECT_THAT(file_sum(directory.path()).error().message, HasSubstr("cannot be read: Is a directory"));
}

TEST_F(ModelFolder, a_record_is_read_as_it_was_written) {
    const ModelRecord written{"tiny", "a \"source\"", {{"f", "ab", 1ULL << 40U, 1'700'000'000'123'456'789}}};
    write(models() / kModelRecord, written.text());
    const auto read = read_model_record(models());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->name, written.name);
    EXPECT_EQ(read->source, written.source);
    ASSERT_NE(read->find("f"), nullptr);
    EXPECT_EQ(read->find("f")->bytes, written.files[0].bytes);
    EXPECT_EQ(read->find("f")->mtime_ns, written.files[0].mtime_ns);
    EXPECT_EQ(read->find("g"), nullptr);
    EXPECT_EQ(read_model_record(models("more")), std::nullopt);
}

// ---- finding --------------------------------------------------------------------------------------------------------

TEST_F(ModelFolder, an_installed_model_is_found_without_reading_it) {
    install(tiny());
    const InstalledModel model = find().value();
    EXPECT_EQ(model.folder, tiny());
    EXPECT_EQ(model.weights, "model.safetensors");
    EXPECT_EQ(model.model_sha256, sha256_hex(kWeights));
    EXPECT_TRUE(model.sum_is_fresh);
}

TEST_F(ModelFolder, a_copy_with_new_times_is_whole_but_its_sum_is_not_fresh) {
    install(tiny());
    touch(tiny() / "model.safetensors");
    EXPECT_FALSE(find().value().sum_is_fresh);
}

TEST_F(ModelFolder, the_first_folder_of_the_search_path_wins) {
    install(models("more") / "tiny");
    EXPECT_EQ(find().value().folder, models("more") / "tiny");
    install(tiny());
    EXPECT_EQ(find().value().folder, tiny());
}

TEST_F(ModelFolder, a_damaged_one_is_not_passed_over) {
    install(models("more") / "tiny");
    fs::create_directories(tiny());
    EXPECT_THAT(error(), HasSubstr("the model in " + tiny().string() + " is damaged"));
}

TEST_F(ModelFolder, an_absent_model_names_the_folders_and_the_command) {
    EXPECT_EQ(error(), "the model tiny is not installed: run `stele model install tiny` (looked in " +
                           models().string() + " and " + models("more").string() + ")");
}

TEST_F(ModelFolder, an_unknown_model_names_those_that_are_known) {
    EXPECT_THAT(error("huge"), AllOf(HasSubstr("there is no model huge: Stele knows tiny"),
                                     HasSubstr(models().string()), Not(HasSubstr("stele model install"))));
}

TEST_F(ModelFolder, a_name_never_leads_out_of_the_folders) {
    install(tiny());
    fs::create_directories(models("more"));
    for (const char* name : {"", ".", "..", "../models/tiny", "tiny/", "/", ".hidden"}) {
        EXPECT_THAT(error(name), HasSubstr("there is no model")) << name;
    }
}

TEST_F(ModelFolder, a_missing_file_is_damage) {
    for (const char* name : {"model.safetensors", "vocab.txt", "config.json"}) {
        install(tiny());
        fs::remove(tiny() / name);
        EXPECT_EQ(error(), "the model in " + tiny().string() + " is damaged: " + name +
                               " is missing; `stele model verify tiny` examines it, `stele model install tiny` puts "
                               "it right");
    }
}

TEST_F(ModelFolder, another_size_is_damage) {
    install(tiny());
    write(tiny() / "model.safetensors", "0123");
    EXPECT_THAT(error(), HasSubstr("model.safetensors has 4 bytes, not 10"));
    fs::remove(tiny() / kModelRecord);
    EXPECT_THAT(error(), HasSubstr("model.safetensors has 4 bytes, not 10"));
}

TEST_F(ModelFolder, other_weights_under_a_known_name_are_damage) {
    install(tiny());
    write(tiny() / "model.safetensors", "9876543210");
    std::vector<ModelFile> files = catalog_.front().files;
    files.front() = known_file("model.safetensors", "9876543210");
    record(tiny(), files);
    EXPECT_THAT(error(), HasSubstr("model.safetensors holds other weights than tiny-model"));
}

TEST_F(ModelFolder, a_record_that_stele_did_not_write_is_damage) {
    install(tiny());
    for (const char* text :
         {"", "{", "[]", "{\"name\":\"tiny\"}", "{\"name\":\"tiny\",\"source\":\"\",\"files\":[1]}"}) {
        write(tiny() / kModelRecord, text);
        EXPECT_THAT(error(), HasSubstr("is not what Stele wrote")) << text;
    }
}

TEST_F(ModelFolder, a_record_cannot_point_elsewhere) {
    install(tiny());
    write(tiny() / kModelRecord, ModelRecord{"tiny", "", {{"../secret", "ab", 1, 1}}}.text());
    EXPECT_THAT(error(), HasSubstr("names the file '../secret'"));
}

TEST_F(ModelFolder, one_that_was_placed_by_hand_is_found) {
    install(tiny());
    fs::remove(tiny() / kModelRecord);
    const InstalledModel model = find().value();
    EXPECT_EQ(model.model_sha256, "");
    EXPECT_FALSE(model.sum_is_fresh);
}

TEST_F(ModelFolder, one_that_the_catalog_does_not_know_is_found_too) {
    const fs::path own = models() / "own";
    write(own / "model.onnx", "weights");
    EXPECT_THAT(error("own"), AllOf(HasSubstr("the tokenizer is missing"), Not(HasSubstr("model install"))));
    write(own / "tokenizer.json", "{}");
    EXPECT_THAT(error("own"), HasSubstr("config.json is missing"));
    write(own / "config.json", "{}");
    EXPECT_EQ(find("own").value().weights, "model.onnx");
    write(own / "model.safetensors", "weights");
    EXPECT_EQ(find("own").value().weights, "model.safetensors");
}

TEST_F(ModelFolder, the_public_functions_throw_the_same_errors) {
    install(tiny());
    EXPECT_EQ(inspect_model(tiny(), &catalog_.front()).model_sha256, sha256_hex(kWeights));
    EXPECT_EQ(find_model("tiny", search()).folder, tiny());
    EXPECT_EQ(file_sha256(tiny() / "vocab.txt"), sha256_hex(kVocabulary));
    const RecordedFile recorded = record_file(tiny(), "vocab.txt");
    EXPECT_EQ(recorded.sha256, sha256_hex(kVocabulary));
    EXPECT_EQ(recorded.bytes, std::string(kVocabulary).size());
    EXPECT_EQ(recorded.mtime_ns, file_state(tiny() / "vocab.txt")->mtime_ns);

    write(tiny() / kModelRecord, "{");
    EXPECT_TRUE(fails([&] { inspect_model(tiny(), nullptr); }));
    EXPECT_TRUE(fails([&] { find_model("huge", search()); }));
    EXPECT_TRUE(fails([&] { read_model_record(tiny()); }));
    EXPECT_TRUE(fails([&] { file_sha256(tiny() / "none"); }));
}

TEST_F(ModelFolder, a_folder_in_place_of_a_file_is_no_file) {
    install(tiny());
    fs::remove(tiny() / "model.safetensors");
    fs::create_directory(tiny() / "model.safetensors");
    EXPECT_THAT(error(), HasSubstr("model.safetensors is missing"));
}

}  // namespace
}  // namespace stele
