// What a ConfigurationRepository does, on a database and as its twin in memory. The names of tests give the lines of
// the list of draive's behaviour that they prove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configuration/settings.hpp"
#include "stele/configuration.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using support::Secret;
using support::Settings;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class On { database, memory };

class AnyConfigurations : public testing::TestWithParam<On> {
protected:
    ConfigurationRepository make(const ConfigurationOptions& options = {}) {
        if (GetParam() == On::memory) return ConfigurationRepository::in_memory(MemoryDatabase(), options);
        if (!database_) database_ = server_.open();
        return ConfigurationRepository(*database_, options);
    }
    test::Server server_;
    std::optional<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Configurations, AnyConfigurations, testing::Values(On::database, On::memory),
                         [](const auto& which) { return which.param == On::database ? "on_a_database" : "in_memory"; });

TEST_P(AnyConfigurations, draive_022_051_a_load_sees_what_was_just_defined) {
    ConfigurationRepository repository = make();
    EXPECT_EQ(repository.load<Settings>(), nullptr);
    EXPECT_TRUE(repository.define(Settings{"first", {}, {}}));
    EXPECT_EQ(repository.load<Settings>()->model, "first");
    EXPECT_TRUE(repository.define(Settings{"second", 0.5, {7}}));
    const auto settings = repository.load<Settings>();
    EXPECT_EQ(settings->model, "second");
    EXPECT_EQ(settings->temperature, 0.5);
    EXPECT_EQ(settings->limits.tokens, 7);
}

TEST_P(AnyConfigurations, draive_023_defining_twice_keeps_both_revisions_and_loads_the_newest) {
    ConfigurationRepository repository = make();
    const auto first = repository.define("a", Json::parse(R"({"n":1})"));
    const auto second = repository.define("a", Json::parse(R"({"n":2})"));
    ASSERT_TRUE(first && second);
    EXPECT_LT(*first, *second);
    EXPECT_EQ(repository.history("a").size(), 2U);
    EXPECT_TRUE(same_value(*repository.load_raw("a"), Json::parse(R"({"n":2})")));
}

TEST_P(AnyConfigurations, draive_024_lists_each_identifier_once_in_order) {
    ConfigurationRepository repository = make();
    EXPECT_THAT(repository.configurations(), IsEmpty());
    for (const char* identifier : {"b", "a", "c", "a"}) {
        repository.define(identifier, Json::parse(R"({"n":1})"));
        repository.define(identifier, Json::parse(R"({"n":2})"));
    }
    EXPECT_THAT(repository.configurations(), ElementsAre("a", "b", "c"));
    repository.remove("b");
    EXPECT_THAT(repository.configurations(), ElementsAre("a", "c"));
}

TEST_P(AnyConfigurations, draive_025_a_type_is_stored_under_its_qualified_name_or_its_own_identifier) {
    ConfigurationRepository repository = make();
    repository.define(Settings());
    repository.define(Secret{"k", {}});
    repository.define(Settings{"other", {}, {}}, "elsewhere");
    EXPECT_THAT(repository.configurations(), ElementsAre("elsewhere", "support::Settings", "the.secret"));
    EXPECT_EQ(repository.load<Settings>("elsewhere")->model, "other");
}

TEST_P(AnyConfigurations, draive_026_one_that_is_missing_is_null_or_the_fallback_or_made_of_defaults_or_an_error) {
    ConfigurationRepository repository = make();
    EXPECT_EQ(repository.load<Settings>(), nullptr);
    EXPECT_EQ(repository.load_or(Settings{"fallback", {}, {}}).model, "fallback");
    EXPECT_EQ(repository.require<Settings>()->model, "none");
    try {
        repository.require<Secret>();
        FAIL();
    } catch (const ConfigurationMissing& error) {
        EXPECT_EQ(error.identifier(), "the.secret");
        EXPECT_EQ(error.code(), ErrorCode::not_found);
        EXPECT_THAT(error.what(), HasSubstr("the.secret"));
    }
    EXPECT_THAT(
        test::error_of([&] { repository.at(RevisionSelector::labelled("production")).require<Secret>(); }).message,
        HasSubstr("label production"));
}

TEST_P(AnyConfigurations, draive_027_what_does_not_fit_is_invalid_with_identifier_and_path) {
    ConfigurationRepository repository = make();
    repository.define("support::Settings", Json::parse(R"({"model":"m","bounds":{"tokens":"many"}})"));
    for (int i = 0; i < 2; ++i) {
        try {
            repository.load<Settings>();
            FAIL();
        } catch (const ConfigurationInvalid& error) {
            EXPECT_EQ(error.identifier(), "support::Settings");
            EXPECT_THAT(error.what(), HasSubstr("bounds.tokens"));
        }
    }
    EXPECT_TRUE(repository.load_raw("support::Settings"));
}

TEST_P(AnyConfigurations, draive_028_raw_is_the_stored_object_or_nothing) {
    ConfigurationRepository repository = make();
    EXPECT_EQ(repository.load_raw("a"), std::nullopt);
    repository.define("a", Json::parse(R"({"x":[1,null]})"));
    EXPECT_THAT(repository.load_raw("a")->text(), HasSubstr("null"));
}

TEST_P(AnyConfigurations, draive_029_remove_takes_all_revisions_and_knows_nothing_of_unknown_ones) {
    ConfigurationRepository repository = make();
    repository.define("a", Json::parse(R"({"n":1})"));
    repository.define("a", Json::parse(R"({"n":2})"));
    EXPECT_EQ(repository.remove("a"), 2u);
    EXPECT_EQ(repository.load_raw("a"), std::nullopt);
    EXPECT_EQ(repository.remove("a"), 0u);
}

TEST_P(AnyConfigurations, draive_098_unknown_fields_are_ignored_or_refused_by_choice) {
    const Json content = Json::parse(R"({"model":"m","new_field":1})");
    ConfigurationRepository lenient = make();
    lenient.define("support::Settings", content);
    EXPECT_EQ(lenient.load<Settings>()->model, "m");
    ConfigurationOptions options;
    options.refuse_unknown = true;
    ConfigurationRepository strict = make(options);
    strict.define("support::Settings", content);
    EXPECT_THROW(strict.load<Settings>(), ConfigurationInvalid);
}

TEST_P(AnyConfigurations, draive_099_what_json_cannot_hold_is_refused_with_its_path_before_anything_is_sent) {
    ConfigurationRepository repository = make();
    Settings settings;
    settings.temperature = std::numeric_limits<double>::quiet_NaN();
    const ErrorInfo error = test::error_of([&] { repository.define(settings); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("temperature"));
    EXPECT_THAT(repository.configurations(), IsEmpty());
}

TEST_P(AnyConfigurations, draive_100_unchanged_content_adds_nothing_unless_asked_for_however_it_is_spelled) {
    ConfigurationRepository repository = make();
    EXPECT_TRUE(repository.define("a", Json::parse(R"({"x":1,"y":2})")));
    EXPECT_FALSE(repository.define("a", Json::parse(R"({ "y" : 2.0, "x" : 1 })")));
    EXPECT_TRUE(repository.define("a", Json::parse(R"({"x":1,"y":3})")));
    EXPECT_TRUE(repository.define("a", Json::parse(R"({"x":1,"y":2})"))) << "not the newest";
    EXPECT_EQ(repository.remove("a"), 3u);
    ConfigurationOptions options;
    options.append_unchanged = true;
    ConfigurationRepository appending = make(options);
    EXPECT_TRUE(appending.define("a", Json::object()));
    EXPECT_TRUE(appending.define("a", Json::object()));
    EXPECT_EQ(appending.remove("a"), 2u);
}

TEST_P(AnyConfigurations, bad_identifiers_and_contents_are_told_off) {
    ConfigurationRepository repository = make();
    const std::string nul("a\0b", 3);
    for (const std::string& bad : {std::string(), std::string(1025, 'a'), std::string("\xff"), nul}) {
        EXPECT_EQ(test::error_of([&] { repository.load_raw(bad); }).code, ErrorCode::invalid_argument);
        EXPECT_EQ(test::error_of([&] { repository.define(bad, Json::object()); }).code, ErrorCode::invalid_argument);
        EXPECT_EQ(test::error_of([&] { repository.remove(bad); }).code, ErrorCode::invalid_argument);
    }
    EXPECT_THAT(test::error_of([&] { repository.define("a", Json::parse("[1]")); }).message, HasSubstr("object"));
    repository.define(std::string(1024, 'a'), Json::object());
}

}  // namespace
}  // namespace stele
