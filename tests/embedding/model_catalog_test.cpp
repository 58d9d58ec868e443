#include "embedding/model_catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/hash.hpp"

namespace stele {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kSum = "[0-9a-f]{64}";

/// The names that a source leaves in a model's folder.
std::set<std::string> placed_by(const ModelSource& source, const KnownModel& model) {
    std::set<std::string> names;
    for (const ModelSource::Member& member : source.members) names.insert(member.file);
    for (const ModelFile& file : model.files) {
        if (!file.text.empty()) names.insert(file.name);
    }
    return names;
}

TEST(ModelCatalog, minilm_is_the_default) {
    ASSERT_FALSE(known_models().empty());
    EXPECT_EQ(known_models().front().name, "minilm");
    EXPECT_EQ(known_models().front().dimension, 384U);
    EXPECT_EQ(known_models().front().pooling, KnownModel::Pooling::mean);
    EXPECT_EQ(known_models().front().max_pieces, 256U);
}

TEST(ModelCatalog, models_are_found_by_name_and_by_the_sum_of_their_weights) {
    const KnownModel* bge = find_known_model("bge-small");
    ASSERT_NE(bge, nullptr);
    EXPECT_EQ(bge->title, "bge-small-en-v1.5");
    EXPECT_EQ(bge->pooling, KnownModel::Pooling::cls);
    EXPECT_EQ(find_model_by_sum(bge->weights().sha256), bge);
    EXPECT_EQ(find_known_model("MiniLM"), nullptr);
    EXPECT_EQ(find_known_model(""), nullptr);
    EXPECT_EQ(find_model_by_sum(""), nullptr);
}

TEST(ModelCatalog, names_and_weights_are_there_once) {
    std::set<std::string> names, sums;
    for (const KnownModel& model : known_models()) {
        EXPECT_TRUE(names.insert(model.name).second) << model.name;
        EXPECT_TRUE(sums.insert(model.weights().sha256).second) << model.name;
        EXPECT_FALSE(model.license.empty());
    }
}

TEST(ModelCatalog, every_file_has_a_sum_and_a_size) {
    for (const KnownModel& model : known_models()) {
        for (const ModelFile& file : model.files) {
            EXPECT_THAT(file.sha256, MatchesRegex(kSum)) << file.name;
            EXPECT_GT(file.bytes, 0U) << file.name;
            EXPECT_EQ(model.find_file(file.name), &file);
        }
        EXPECT_EQ(model.find_file("pytorch_model.bin"), nullptr);
    }
}

TEST(ModelCatalog, texts_that_stele_carries_are_what_their_sums_say) {
    std::size_t carried = 0;
    for (const KnownModel& model : known_models()) {
        for (const ModelFile& file : model.files) {
            if (file.text.empty()) continue;
            ++carried;
            EXPECT_EQ(sha256_hex(file.text), file.sha256) << file.name;
            EXPECT_EQ(file.text.size(), file.bytes) << file.name;
        }
    }
    EXPECT_GT(carried, 0U);
}

TEST(ModelCatalog, every_source_has_weights_a_tokenizer_and_a_configuration) {
    for (const KnownModel& model : known_models()) {
        EXPECT_FALSE(model.sources.empty()) << model.name;
        for (const ModelSource& source : model.sources) {
            const std::set<std::string> names = placed_by(source, model);
            EXPECT_TRUE(names.contains(model.weights().name)) << source.package;
            EXPECT_TRUE(names.contains("vocab.txt") || names.contains("tokenizer.json")) << source.package;
            EXPECT_TRUE(names.contains("config.json")) << source.package;
            for (const std::string& name : names) EXPECT_NE(model.find_file(name), nullptr) << name;
        }
    }
}

TEST(ModelCatalog, every_source_names_one_file_of_one_version) {
    for (const KnownModel& model : known_models()) {
        for (const ModelSource& source : model.sources) {
            const bool pypi = source.registry == ModelSource::Registry::pypi;
            EXPECT_THAT(source.archive, EndsWith(pypi ? ".whl" : ".jar"));
            EXPECT_THAT(source.archive, HasSubstr("-" + source.version));
            EXPECT_THAT(source.sha256, MatchesRegex(kSum));
            EXPECT_GT(source.bytes, 0U);
            EXPECT_THAT(source.text(), HasSubstr(source.package + " " + source.version + " from "));
        }
    }
}

}  // namespace
}  // namespace stele
