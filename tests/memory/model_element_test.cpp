#include "stele/model_element.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stele/model_memory.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kCall[] =
    R"({"type":"model_output","blocks":[{"type":"content","parts":[{"text":"hi","meta":{}}]},)"
    R"({"type":"reasoning","content":{"type":"content","parts":[{"text":"hm","meta":{}}]},"meta":{"sign":"x"}},)"
    R"({"type":"tool_request","identifier":"c1","tool":"lookup","arguments":{"q":1},"meta":{}}],"meta":{"a":[1,2.50]}})";
constexpr char kResult[] =
    R"({"type":"model_input","blocks":[{"type":"tool_response","identifier":"c1","tool":"lookup",)"
    R"("content":{"type":"content","parts":[{"text":"42","meta":{}}]},"handling":"output_extension","meta":{}},)"
    R"({"type":"content","parts":[{"data":"AAE=","mime_type":"image/png","meta":{}}]}],"meta":{}})";

ModelElement read(std::string_view text, const FromJsonOptions& options = {}) {
    return from_json<ModelElement>(Json::parse(text), options);
}

TEST(ModelElement, draive_073_every_kind_of_draives_is_read_and_written_as_it_was) {
    for (const char* text : {kCall, kResult}) {
        const ModelElement element = read(text, {.refuse_unknown = true});
        EXPECT_EQ(to_json(element).text(), text) << "the order of keys is draive's, too";
        EXPECT_EQ(read(to_json(element).text()), element);
    }
    const auto call = std::get<ModelOutput>(read(kCall));
    EXPECT_EQ(std::get<ToolRequest>(call.blocks[2]).tool, "lookup");
    EXPECT_TRUE(call.has_tool_request());
    const auto result = std::get<ModelInput>(read(kResult));
    EXPECT_EQ(std::get<ToolResponse>(result.blocks[0]).handling, ToolHandling::output_extension);
    EXPECT_TRUE(result.has_tool_response());
}

TEST(ModelElement, draive_073_identifiers_are_read_with_and_without_dashes) {
    constexpr char kDashed[] = "01930000-0000-7000-8000-0000000000ab";
    for (const std::string written :
         {kDashed, "019300000000700080000000000000ab", "019300000000700080000000000000AB"}) {
        const ModelElement element =
            read(R"({"type":"model_input","identifier":")" + written + R"(","blocks":[],"meta":{}})");
        EXPECT_EQ(std::get<ModelInput>(element).identifier->to_string(), kDashed);
        EXPECT_THAT(to_json(element).text(), HasSubstr(kDashed));
    }
    EXPECT_THAT(test::error_of([] { read(R"({"type":"model_input","identifier":"17","blocks":[]})"); }).message,
                HasSubstr("identifier is not a UUID"));
}

TEST(ModelElement, draive_098_missing_meta_and_handling_have_defaults_and_unknown_keys_are_ignored) {
    const ModelElement element =
        read(R"({"type":"model_input","blocks":[{"type":"tool_response","identifier":"c","tool":"t","new":1,)"
             R"("content":{"type":"content","parts":[]}}],"later":true})");
    const auto& response = std::get<ToolResponse>(std::get<ModelInput>(element).blocks[0]);
    EXPECT_EQ(response.handling, ToolHandling::response);
    EXPECT_EQ(response.meta, Json::object());
    EXPECT_THAT(to_json(element).text(), HasSubstr(R"("handling":"response","meta":{}}],"meta":{}})"));
    EXPECT_THAT(test::error_of([&] {
                    read(R"({"type":"model_input","blocks":[],"later":true})", {.refuse_unknown = true});
                }).message,
                HasSubstr("later"));
}

TEST(ModelElement, draive_066_unknown_types_are_refused_with_those_there_are) {
    const auto refused = [](std::string_view text) { return test::error_of([&] { read(text); }).message; };
    EXPECT_THAT(refused(R"({"type":"model_note","blocks":[],"meta":{}})"),
                AllOf(HasSubstr("cannot read a model element"), HasSubstr("type is \"model_note\""),
                      HasSubstr("model_input, model_output")));
    EXPECT_THAT(refused(R"({"type":"model_input","blocks":[{"type":"tool_request"}]})"),
                AllOf(HasSubstr("blocks[0].type"), HasSubstr("content, tool_response")));
    EXPECT_THAT(refused(R"({"blocks":[]})"), HasSubstr("type is missing"));
    EXPECT_THAT(refused(R"({"type":"model_input"})"), HasSubstr("blocks is missing"));
    EXPECT_THAT(refused(R"({"type":"model_output","blocks":[{"type":"tool_request","identifier":"c","tool":"t",)"
                        R"("arguments":[]}]})"),
                HasSubstr("blocks[0].arguments is an array where an object is expected"));
    EXPECT_THAT(refused("[]"), HasSubstr("an array where an object is expected"));
}

TEST(ModelElement, draive_099_what_cannot_be_stored_is_refused_with_its_path) {
    const auto refused = [](const ModelElement& element) { return test::error_of([&] { to_json(element); }).message; };
    EXPECT_THAT(refused(ModelInput(std::string(1, '\0'))),
                AllOf(HasSubstr("cannot write a model element"), HasSubstr("blocks[0].parts[0].text has a NUL")));
    EXPECT_THAT(refused(ModelOutput(ToolRequest{"c", "t", Json::trusted("[1]")})),
                HasSubstr("blocks[0].arguments is an array where an object is expected"));
    EXPECT_THAT(refused(ModelOutput(ToolRequest{"c", "t", Json::trusted("{\"x\":NaN}")})),
                HasSubstr("blocks[0].arguments is "));
    EXPECT_THAT(refused(ModelInput(ToolResponse{"\xed\xa0\x80", "t", "x"})), HasSubstr("blocks[0].identifier"));
}

TEST(ModelElement, draive_073_what_was_recalled_has_a_json_form_too) {
    ModelMemoryRecall recall;
    recall.context = {read(kResult), read(kCall)};
    recall.variables = Json::parse(R"({"name":"Ada"})");
    const Json json = to_json(recall);
    EXPECT_EQ(json.text(), std::string(R"({"type":"model_memory","context":[)") + kResult + "," + kCall +
                               R"(],"variables":{"name":"Ada"},"meta":{}})");
    EXPECT_EQ(from_json<ModelMemoryRecall>(json), recall);
    const auto empty =
        from_json<ModelMemoryRecall>(Json::parse(R"({"type":"model_memory","context":[],"variables":null,"meta":{}})"));
    EXPECT_EQ(empty, ModelMemoryRecall());
}

}  // namespace
}  // namespace stele
