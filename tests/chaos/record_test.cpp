// The checks of the chaos tests find what they are there to find.
#include "chaos/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/oids.hpp"
#include "support/fake_rows.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using Kind = Call::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecordTest : public testing::Test {
protected:
    static Call call(Kind kind, std::int64_t number) {
        Call call;
        call.kind = kind;
        call.number = number;
        call.began = Record::Time(100s);
        call.deadline = Deadline::at(Record::Time(101s));
        return call;
    }
    void fail(const Call& call, ErrorCode code, bool in_doubt = false, std::string sqlstate = {}) {
        ErrorInfo error;
        error.code = code;
        error.in_doubt = in_doubt;
        error.sqlstate = std::move(sqlstate);
        record.failed(call, error, call.began + 10ms);
    }
    void answer(Call call, const Rows& rows) {
        call.statements.emplace_back("SELECT 1");
        record.answered(call, std::span(&rows, 1), call.began + 10ms);
    }
    static Call counted(int counter) {
        Call count = call(Kind::count, 0);
        count.key = counter;
        return count;
    }
    static Rows item_rows(const char* id, const char* name) {
        return fake_rows({{"id", oid::kInt4, false}, {"name", oid::kText, false}}, {{id, name}});
    }
    static Rows number_rows(const std::string& number) {
        return fake_rows({{"number", oid::kInt8, false}}, {{number}});
    }
    static Rows counter_rows(const char* id, const char* n) {
        return fake_rows({{"id", oid::kInt4, false}, {"n", oid::kInt8, false}}, {{id, n}});
    }
    Record record;
    Stored stored;
};

TEST_F(RecordTest, accepts_what_may_happen) {
    fail(call(Kind::insert, 1), ErrorCode::unavailable, true);
    fail(call(Kind::insert, 2), ErrorCode::unavailable, true);
    fail(call(Kind::batch, 3), ErrorCode::deadline_exceeded, true);
    fail(call(Kind::insert, 4), ErrorCode::pool_exhausted);
    fail(call(Kind::failing_read, 5), ErrorCode::server, false, "22012");
    fail(call(Kind::refused_write, 6), ErrorCode::constraint_violation, false, "23514");
    fail(call(Kind::count, 7), ErrorCode::unavailable, true);
    stored.log = {{1, 1}, {3, 2}};
    stored.counters[0] = 1;
    record.compare(stored);
    EXPECT_THAT(record.faults(), IsEmpty());
    EXPECT_EQ(record.counts().calls, 7u);
    EXPECT_EQ(record.counts().refused, 2u);
    EXPECT_EQ(record.counts().failed, 1u);
    EXPECT_EQ(record.counts().in_doubt, 4u);
    EXPECT_EQ(record.counts().in_doubt_stored, 3u);
}

TEST_F(RecordTest, finds_a_write_that_failed_for_sure_and_is_stored) {
    fail(call(Kind::insert, 1), ErrorCode::unavailable);
    stored.log = {{1, 1}};
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("write 1 of 1 rows was reported as failed, and 1 are stored")));
}

TEST_F(RecordTest, finds_a_write_in_doubt_that_is_stored_twice_or_by_halves) {
    fail(call(Kind::insert, 1), ErrorCode::unavailable, true);
    fail(call(Kind::transaction, 2), ErrorCode::in_doubt, true);
    stored.log = {{1, 2}, {2, 1}};
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("write 1 of 1 rows was in doubt, and 2 are stored"),
                                             HasSubstr("write 2 of 2 rows was in doubt, and 1 are stored")));
}

TEST_F(RecordTest, finds_what_nobody_wrote) {
    fail(call(Kind::refused_write, 1), ErrorCode::constraint_violation);
    stored.log = {{1, 1}, {9, 1}};
    stored.counters[2] = 1;
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("write 1 of 0 rows"), HasSubstr("nobody wrote 9"),
                                             HasSubstr("counter 2 stands at 1: 0 were acknowledged, 0 are in doubt")));
}

TEST_F(RecordTest, finds_a_stranger_s_error) {
    fail(call(Kind::read, 1), ErrorCode::server, false, "22012");
    fail(call(Kind::insert, 2), ErrorCode::constraint_violation, false, "23514");
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("read 1: no fault of the wire explains this error"),
                                             HasSubstr("insert 2: no fault of the wire explains this error")));
}

TEST_F(RecordTest, finds_a_failure_in_calm) {
    Call calm = call(Kind::read, 1);
    calm.calm = true;
    fail(calm, ErrorCode::unavailable);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("it failed although no fault was about")));
}

TEST_F(RecordTest, finds_a_call_that_returned_too_late) {
    const Call late = call(Kind::read, 1);
    ErrorInfo error;
    error.code = ErrorCode::deadline_exceeded;
    record.failed(late, error, late.deadline.point() + slack());
    EXPECT_THAT(record.faults(), IsEmpty());
    record.failed(late, error, late.deadline.point() + slack() + 1ms);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("ms after its deadline")));
}

TEST_F(RecordTest, finds_an_acknowledged_write_that_is_gone_or_there_twice) {
    for (const std::int64_t number : {1, 2, 3}) answer(call(Kind::insert, number), number_rows(std::to_string(number)));
    stored.log = {{1, 1}, {3, 2}};
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("write 2 of 1 rows was acknowledged, and 0 are stored"),
                                             HasSubstr("write 3 of 1 rows was acknowledged, and 2 are stored")));
}

TEST_F(RecordTest, finds_counts_that_are_lost_done_twice_or_told_twice) {
    for (const char* n : {"1", "2"}) answer(counted(0), counter_rows("0", n));
    for (const char* n : {"1", "2"}) answer(counted(1), counter_rows("1", n));
    for (const char* n : {"1", "1"}) answer(counted(2), counter_rows("2", n));
    for (const char* n : {"1", "2"}) answer(counted(3), counter_rows("3", n));
    stored.counters = {1, 3, 2, 2};
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("counter 0 stands at 1: 2 were acknowledged, 0 are in doubt"),
                                             HasSubstr("counter 0 stands at 1, and a caller was told 2"),
                                             HasSubstr("counter 1 stands at 3"),
                                             HasSubstr("two callers were told that counter 2 is 1")));
}

TEST_F(RecordTest, finds_an_answer_that_does_not_belong_to_the_call) {
    Call read = call(Kind::read, 1);
    read.key = 7;
    answer(read, item_rows("7", "item 7"));
    EXPECT_THAT(record.faults(), IsEmpty());
    answer(read, item_rows("8", "item 8"));
    answer(read, item_rows("7", "item 8"));
    answer(read, Rows());
    answer(call(Kind::insert, 2), number_rows("3"));
    answer(call(Kind::insert, 3), item_rows("7", "item 7"));
    answer(counted(1), counter_rows("2", "1"));
    answer(call(Kind::refused_write, 4), number_rows("4"));
    EXPECT_THAT(record.faults(),
                ElementsAre(HasSubstr("asked for key 7, got 8"), HasSubstr("asked for key 7, got 7 \"item 8\""),
                            HasSubstr("0 rows instead of 1 for key 7"), HasSubstr("number 2, got the answer of 3"),
                            HasSubstr("cannot be read"), HasSubstr("counted on 1, got 2"), HasSubstr("not refused")));
}

TEST_F(RecordTest, finds_a_wrong_number_of_rows_affected) {
    const Call insert = call(Kind::blind_insert, 1);
    record.answered(insert, 1, insert.began + 10ms);
    EXPECT_THAT(record.faults(), IsEmpty());
    record.answered(insert, 2, insert.began + 10ms);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("blind insert 1: 2 rows affected instead of 1")));
}

TEST_F(RecordTest, finds_a_batch_that_left_a_part_behind) {
    fail(call(Kind::refused_batch, 1), ErrorCode::constraint_violation, false, "23514");
    fail(call(Kind::refused_batch, 2), ErrorCode::unavailable, true);
    EXPECT_THAT(record.faults(), IsEmpty());
    stored.log = {{1, 1}, {2, 1}};
    record.compare(stored);
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("write 1 of 0 rows was reported as failed, and 1 are stored"),
                                             HasSubstr("write 2 of 0 rows was in doubt, and 1 are stored")));
}

TEST_F(RecordTest, expects_no_row_for_a_key_that_is_not_there) {
    Call read = call(Kind::read_by_key, 1);
    read.key = kItems;
    answer(read, Rows());
    EXPECT_THAT(record.faults(), IsEmpty());
    answer(read, item_rows("7", "item 7"));
    EXPECT_THAT(record.faults(), ElementsAre(HasSubstr("1 rows instead of 0")));
}

TEST_F(RecordTest, adds_up_callers) {
    fail(call(Kind::insert, 1), ErrorCode::unavailable, true);
    Record other;
    other.failed(call(Kind::read, 2), ErrorInfo(), Record::Time(100s) + 400ms);
    record.add(other);
    stored.log = {{1, 2}};
    record.compare(stored);
    EXPECT_EQ(record.counts().calls, 2u);
    EXPECT_EQ(record.counts().slowest, 400ms);
    EXPECT_EQ(record.fault_count(), 2u);
}

}  // namespace
}  // namespace stele::test
