// The steps of a get, each answered or failed by the test.
#include "cache/get_operation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/oids.hpp"
#include "support/fake_rows.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using test::error_of;
using test::fake_rows;
using test::FakeValue;

std::string flag(bool value) {
    return std::string(1, value ? '\1' : '\0');
}

Rows lookup_rows(bool present, bool expired = false) {
    const std::vector<test::FakeColumn> columns = {{"id", oid::kInt8, false},  {"query", oid::kText},
                                                   {"response", oid::kText},   {"metadata", oid::kJson},
                                                   {"age", oid::kInt8, false}, {"expired", oid::kBool}};
    if (!present) return fake_rows(columns, {});
    return fake_rows(columns, {{"1", "q", "exact answer", "{}", "-3", flag(expired)}});
}

Candidate candidate(int id, float score) {
    return {id, score, question_tag("h" + std::to_string(id))};
}

Rows fetched(const std::vector<std::pair<int, bool>>& entries) {
    std::vector<std::vector<FakeValue>> rows;
    for (const auto& [id, expired] : entries) {
        const std::string n = std::to_string(id);
        rows.push_back({n, "h" + n, "q" + n, "answer " + n, "{}", "5", flag(expired)});
    }
    return fake_rows({{"id", oid::kInt8, false},
                      {"query_hash", oid::kText},
                      {"query", oid::kText},
                      {"response", oid::kText},
                      {"metadata", oid::kJson},
                      {"age", oid::kInt8, false},
                      {"expired", oid::kBool}},
                     rows);
}

class GetOperationTest : public testing::Test {
protected:
    GetOperationTest() {
        request.name_space = "ns";
        request.query = "q";
        request.hash = "h";
        neighbours.threshold = [] { return 0.8f; };
        neighbours.catch_up = [this] { ++caught_up; };
        neighbours.search = [this](std::span<const float>, std::size_t k, float) {
            std::vector<Candidate> found = matches;
            if (found.size() > k) found.resize(k);
            return found;
        };
        neighbours.forget = [this](std::int64_t id) {
            forgotten.push_back(id);
            std::erase_if(matches, [id](const Candidate& match) { return match.id == id; });
        };
        neighbours.distrust = [this] { ++distrusted; };
        neighbours.check = [](std::vector<float> vector) { return vector; };
    }

    // To the fetch of candidates: lookup answered with nothing, the text embedded.
    void miss_exactly() {
        ASSERT_TRUE(operation.advance());
        operation.answer(Result<std::vector<Rows>>(std::vector<Rows>{lookup_rows(false)}));
        ASSERT_TRUE(operation.advance());
        ASSERT_NE(operation.embed_step(), nullptr);
        operation.answer(Result<Embedding>(Embedding{{1.0f}, false}));
    }
    void answer(Rows rows) { operation.answer(Result<std::vector<Rows>>(std::vector<Rows>{std::move(rows)})); }
    void fail_run(ErrorCode code) { operation.answer(Result<std::vector<Rows>>(fail(make_error(code, "cut")))); }

    CacheSql sql{"s"};
    GetRequest request;
    Neighbours neighbours;
    std::vector<Candidate> matches;
    std::vector<std::int64_t> forgotten;
    int caught_up = 0, distrusted = 0;
    Operation<GetOutcome> operation = get_operation(sql, request, neighbours);
};

TEST_F(GetOperationTest, mneme_070_an_exact_hit_is_one_step_and_embeds_nothing) {
    ASSERT_TRUE(operation.advance());
    ASSERT_NE(operation.run_step(), nullptr);
    EXPECT_EQ(operation.run_step()->statements.size(), 1u);
    answer(lookup_rows(true));
    EXPECT_FALSE(operation.advance());
    const GetOutcome outcome = operation.result();
    EXPECT_EQ(outcome.hit->response, "exact answer");
    EXPECT_EQ(outcome.hit->age.count(), 0);  // a clock that stepped back gives no negative age
    EXPECT_EQ(caught_up, 0);
}

TEST_F(GetOperationTest, what_is_known_of_the_same_question_is_not_looked_up_again) {
    for (const Exact known : {Exact::absent, Exact::expired}) {
        operation = get_operation(sql, request, neighbours, known);
        ASSERT_TRUE(operation.advance());
        EXPECT_NE(operation.embed_step(), nullptr);
        operation.answer(Result<Embedding>(Embedding{{1.0f}, false}));
        EXPECT_FALSE(operation.advance());
        EXPECT_EQ(operation.result().expired, known == Exact::expired);
    }
}

TEST_F(GetOperationTest, the_lookup_never_asks_for_the_embedding) {
    EXPECT_THAT(std::string(sql.lookup.text()), testing::Not(testing::HasSubstr("embedding")));
    EXPECT_THAT(std::string(sql.fetch.text()), testing::Not(testing::HasSubstr("embedding")));
}

TEST_F(GetOperationTest, a_similar_question_is_found_after_lookup_embedding_and_fetch) {
    matches = {candidate(5, 0.9f), candidate(6, 0.85f)};
    miss_exactly();
    EXPECT_TRUE(operation.advance());
    EXPECT_EQ(caught_up, 1);
    answer(fetched({{6, false}, {5, false}}));
    EXPECT_FALSE(operation.advance());
    const GetOutcome outcome = operation.result();
    EXPECT_EQ(outcome.hit->response, "answer 5");
    EXPECT_EQ(outcome.hit->layer, HitLayer::semantic);
    EXPECT_FLOAT_EQ(outcome.hit->similarity, 0.9f);
}

TEST_F(GetOperationTest, mneme_023_114_a_candidate_that_is_gone_is_forgotten_and_the_next_one_served) {
    matches = {candidate(5, 0.9f), candidate(6, 0.85f)};
    miss_exactly();
    operation.advance();
    answer(fetched({{6, false}}));
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(operation.result().hit->id, 6);
    EXPECT_EQ(forgotten, std::vector<std::int64_t>{5});
}

TEST_F(GetOperationTest, a_row_that_has_a_candidates_id_but_another_question_is_never_served) {
    matches = {{5, 0.99f, question_tag("what had this id before the restore")}, candidate(6, 0.85f)};
    miss_exactly();
    operation.advance();
    answer(fetched({{5, false}, {6, false}}));
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(operation.result().hit->id, 6);
    EXPECT_EQ(forgotten, std::vector<std::int64_t>{5});
    EXPECT_EQ(distrusted, 1);
}

TEST_F(GetOperationTest, dead_candidates_do_not_hide_a_live_one_behind_them) {
    for (int id = 1; id <= 9; ++id) matches.push_back(candidate(id, 1.0f - 0.01f * static_cast<float>(id)));
    std::vector<std::pair<int, bool>> expired;
    for (int id = 1; id <= 8; ++id) expired.emplace_back(id, true);
    miss_exactly();
    ASSERT_TRUE(operation.advance());
    answer(fetched(expired));
    ASSERT_TRUE(operation.advance()) << "asks for more than the first eight";
    expired.emplace_back(9, false);
    answer(fetched(expired));
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(operation.result().hit->id, 9);
}

TEST_F(GetOperationTest, an_expired_exact_match_is_reported_and_the_search_goes_on) {
    ASSERT_TRUE(operation.advance());
    answer(lookup_rows(true, true));
    ASSERT_TRUE(operation.advance());
    EXPECT_NE(operation.embed_step(), nullptr);
    operation.answer(Result<Embedding>(Embedding{{1.0f}, false}));
    EXPECT_FALSE(operation.advance());
    const GetOutcome outcome = operation.result();
    EXPECT_TRUE(outcome.expired);
    EXPECT_FALSE(outcome.hit);
}

TEST_F(GetOperationTest, fails_with_the_steps_error_wherever_the_database_is_lost) {
    matches = {candidate(5, 0.9f)};
    for (const int failing : {1, 2}) {
        operation = get_operation(sql, request, neighbours);
        ASSERT_TRUE(operation.advance());
        if (failing == 1) {
            fail_run(ErrorCode::unavailable);
        } else {
            answer(lookup_rows(false));
            operation.advance();
            operation.answer(Result<Embedding>(Embedding{{1.0f}, false}));
            ASSERT_TRUE(operation.advance());
            fail_run(ErrorCode::unavailable);
        }
        EXPECT_FALSE(operation.advance());
        EXPECT_EQ(error_of([&] { operation.result(); }).code, ErrorCode::unavailable) << failing;
    }
}

TEST_F(GetOperationTest, mneme_105_a_failed_embedder_is_a_miss_with_its_reason) {
    operation.advance();
    answer(lookup_rows(false));
    operation.advance();
    operation.answer(Result<Embedding>(fail(make_error(ErrorCode::embedder_failed, "down"))));
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(operation.result().miss, MissReason::embedder_failure);
}

TEST_F(GetOperationTest, fails_when_following_or_searching_fails) {
    neighbours.catch_up = [] { raise(ErrorCode::unavailable, "while following"); };
    operation.advance();
    answer(lookup_rows(false));
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(error_of([&] { operation.result(); }).message, "while following");

    neighbours.catch_up = [] {};
    neighbours.search = [](std::span<const float>, std::size_t, float) -> std::vector<Candidate> {
        raise(ErrorCode::unavailable, "while loading");
    };
    operation = get_operation(sql, request, neighbours);
    miss_exactly();
    EXPECT_FALSE(operation.advance());
    EXPECT_EQ(error_of([&] { operation.result(); }).message, "while loading");
}

TEST_F(GetOperationTest, can_be_abandoned_at_every_step) {
    matches = {candidate(5, 0.9f)};
    for (int steps = 0; steps <= 3; ++steps) {
        Operation<GetOutcome> abandoned = get_operation(sql, request, neighbours);
        if (steps > 0) abandoned.advance();
        if (steps > 1) {
            abandoned.answer(Result<std::vector<Rows>>(std::vector<Rows>{lookup_rows(false)}));
            abandoned.advance();
        }
        if (steps > 2) {
            abandoned.answer(Result<Embedding>(Embedding{{1.0f}, false}));
            abandoned.advance();
        }
    }
    EXPECT_TRUE(forgotten.empty());
}

}  // namespace
}  // namespace stele
