#include "stele/conversation_turn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory/elements.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// as draive 0.111 writes them
constexpr char kUser[] =
    R"({"identifier":"01930000-0000-7000-8000-0000000000ab","created":"2026-01-31T10:20:30.123456+00:00","turn":"user",)"
    R"("content":[{"type":"content","parts":[{"text":"hi","meta":{}}]}],"meta":{"a":1}})";
constexpr char kAssistant[] =
    R"({"identifier":"01930000-0000-7000-8000-0000000000ac","created":"2026-01-31T10:20:31+00:00","turn":"assistant",)"
    R"("content":[{"reasoning":{"type":"content","parts":[{"text":"hm","meta":{}}]},"meta":{}},)"
    R"({"event":"tool_request","created":"2026-01-31T10:20:30.5+00:00","content":{"category":"ModelToolRequest",)"
    R"("artifact":{"identifier":"c1","tool":"lookup","arguments":{"q":1},"handling":"output_stream","meta":{}},)"
    R"("hidden":false,"meta":{}},"meta":{}},)"
    R"({"event":"progress","created":"2026-01-31T10:20:30.6+00:00","content":null,"meta":{}},)"
    R"({"event":"tool_response","created":"2026-01-31T10:20:30.7+00:00","content":{"category":"ModelToolResponse",)"
    R"("artifact":{"identifier":"c1","tool":"lookup","status":"error",)"
    R"("content":{"type":"content","parts":[{"text":"down","meta":{}}]},"meta":{}},)"
    R"("hidden":false,"meta":{}},"meta":{}},)"
    R"({"type":"content","parts":[{"text":"sorry","meta":{}}]}],"meta":{}})";

ConversationTurn read(std::string_view text, const FromJsonOptions& options = {}) {
    return from_json<ConversationTurn>(Json::parse(text), options);
}

TEST(ConversationTurn, draive_073_turns_of_the_newest_draive_are_read_and_written_as_they_were) {
    for (const char* text : {kUser, kAssistant}) {
        const ConversationTurn turn = read(text, {.refuse_unknown = true});
        const Json written = to_json(turn);
        // fractions of a second are written with six digits
        EXPECT_EQ(read(written.text()), turn);
        EXPECT_EQ(written.text().size(), Json::parse(text).text().size() + (text == kAssistant ? 15 : 0));
    }
    EXPECT_EQ(to_json(read(kUser)).text(), kUser);
}

TEST(ConversationTurn, draive_076_a_users_turn_is_one_input) {
    UserTurn turn("first");
    turn.content.emplace_back("second");
    turn.meta = Json::parse(R"({"a":1})");
    const auto elements = to_elements(turn);
    ASSERT_EQ(elements.size(), 1U);
    const auto& input = std::get<ModelInput>(elements[0]);
    EXPECT_THAT(input.blocks, ElementsAre(InputBlock(Content("first")), InputBlock(Content("second"))));
    EXPECT_EQ(input.meta, turn.meta);
}

TEST(ConversationTurn, draive_076_tools_alternate_outputs_and_inputs_and_other_events_are_left_out) {
    const auto elements = to_elements(read(kAssistant));
    ASSERT_EQ(elements.size(), 3U);
    const auto& call = std::get<ModelOutput>(elements[0]);
    ASSERT_EQ(call.blocks.size(), 2U);
    EXPECT_EQ(std::get<Reasoning>(call.blocks[0]).content, Content("hm"));
    const auto& request = std::get<ToolRequest>(call.blocks[1]);
    EXPECT_EQ(request.handling, ToolHandling::output_stream);
    EXPECT_TRUE(same_value(request.arguments, Json::parse(R"({"q":1})")));
    const auto& response = std::get<ToolResponse>(std::get<ModelInput>(elements[1]).blocks[0]);
    EXPECT_EQ(response.handling, ToolHandling::error);
    EXPECT_EQ(response.content, Content("down"));
    EXPECT_EQ(elements[2], test::out("sorry"));
}

TEST(ConversationTurn, draive_076_parallel_calls_stay_together) {
    AssistantTurn turn;
    turn.add(ToolRequest{"1", "t"}).add(ToolRequest{"2", "t"}).add(ToolResponse{"1", "t", "a"});
    turn.add(ToolResponse{"2", "t", "b"}).add("done").add(ToolRequest{"3", "t"});
    const auto elements = to_elements(turn);
    ASSERT_EQ(elements.size(), 3U);
    EXPECT_EQ(std::get<ModelOutput>(elements[0]).blocks.size(), 2U);
    EXPECT_EQ(std::get<ModelInput>(elements[1]).blocks.size(), 2U);
    EXPECT_EQ(std::get<ModelOutput>(elements[2]).blocks.size(), 2U) << "what is said goes on in the same output";
    EXPECT_THAT(to_elements(AssistantTurn()), ::testing::IsEmpty());
}

TEST(ConversationTurn, draive_073_events_hold_requests_and_responses_as_draive_spells_them) {
    const ConversationEvent request(ToolRequest{"c1", "lookup", Json::parse(R"({"q":1})")});
    ASSERT_TRUE(request.content);
    EXPECT_EQ(request.content->category, "ModelToolRequest");
    EXPECT_EQ(request.content->artifact.text(),
              R"({"identifier":"c1","tool":"lookup","arguments":{"q":1},"handling":null,"meta":{}})");
    EXPECT_EQ(request.tool_request(), (ToolRequest{"c1", "lookup", Json::parse(R"({"q":1})")}));
    EXPECT_FALSE(request.tool_response());
    const ConversationEvent response(ToolResponse{"c1", "lookup", "x"});
    EXPECT_EQ(response.content->category, "ModelToolResponse");
    EXPECT_EQ(response.content->artifact.text(),
              R"({"identifier":"c1","tool":"lookup","status":"success",)"
              R"("content":{"type":"content","parts":[{"text":"x","meta":{}}]},"meta":{}})");
    EXPECT_EQ(response.tool_response(), (ToolResponse{"c1", "lookup", "x"}));
}

TEST(ConversationTurn, draive_066_what_is_no_turn_is_refused_with_its_path) {
    const auto refused = [](std::string_view text) { return test::error_of([&] { read(text); }).message; };
    EXPECT_THAT(refused(R"({"identifier":"x","turn":"system","content":[]})"),
                AllOf(HasSubstr("cannot read a turn"), HasSubstr("turn is \"system\""), HasSubstr("user, assistant")));
    EXPECT_THAT(refused(R"({"identifier":"x","turn":"user","content":[]})"), HasSubstr("identifier is not a UUID"));
    const std::string begin = R"({"identifier":"01930000-0000-7000-8000-0000000000ab","turn":"assistant","content":)";
    EXPECT_THAT(refused(begin + R"([{"thought":1}]})"), HasSubstr("content[0] is no part of a turn"));
    EXPECT_THAT(refused(begin + R"([{"event":"x","content":{"category":"c"}}]})"),
                HasSubstr("content[0].content.artifact is missing"));
    const ConversationTurn damaged = read(
        begin + R"([{"event":"tool_request","content":{"category":"ModelToolRequest","artifact":{"tool":"t"}}}]})");
    EXPECT_THAT(test::error_of([&] { to_elements(damaged); }).message,
                AllOf(HasSubstr("cannot read a tool request"), HasSubstr("identifier is missing")));
}

TEST(ConversationTurn, draive_099_what_cannot_be_stored_is_refused_with_its_path) {
    UserTurn turn("hi");
    turn.content.emplace_back(std::string(1, '\0'));
    EXPECT_THAT(test::error_of([&] { to_json(ConversationTurn(turn)); }).message,
                HasSubstr("content[1].parts[0].text has a NUL"));
    EXPECT_EQ(test::error_of([] { ConversationEvent(ToolRequest{"c", "t", Json::trusted("[]")}); }).code,
              ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stele
