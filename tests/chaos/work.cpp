#include "chaos/work.hpp"

#include <fmt/format.h>

namespace stele::test {

using namespace std::chrono_literals;

namespace {
constexpr int kClaims = 1'000;
constexpr std::chrono::milliseconds kStep{1};  // between deadlines
}  // namespace

Tables::Tables(const std::string& schema)
    : schema_(schema),
      item_("SELECT id, name FROM " + schema + ".items WHERE id = $1"),
      log_("INSERT INTO " + schema + ".log (number, caller, part) VALUES ($1, $2, $3) RETURNING number"),
      refused_late_("INSERT INTO " + schema +
                    ".log (number, caller, part, claim) VALUES ($1, $2, 0, $3) RETURNING number"),
      // the largest number with as many rows as there must be
      logged_("SELECT max(number) AS number FROM " + schema + ".log WHERE number = $1 HAVING count(*) = 1"),
      count_("UPDATE " + schema + ".counters SET n = n + 1 WHERE id = $1 RETURNING id, n") {}

void Tables::create(Executor& executor) const {
    const auto run = [&](const std::string& text) { executor.execute(Statement(Sql(text))); };
    run("CREATE SCHEMA IF NOT EXISTS " + schema_);
    run(fmt::format("CREATE TABLE {0}.items AS SELECT id, 'item ' || id AS name FROM generate_series(0, {1} - 1) id",
                    schema_, kItems));
    run("CREATE INDEX ON " + schema_ + ".items (id)");
    // not unique: a write that is applied twice must not be refused
    run("CREATE TABLE " + schema_ +
        ".log (number bigint, caller int CHECK (caller >= 0), part int, "
        "claim int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    run(fmt::format(
        "INSERT INTO {0}.log (number, caller, part, claim) SELECT -1, 0, 0, n FROM generate_series(0, {1} - 1) n",
        schema_, kClaims));
    run("CREATE INDEX ON " + schema_ + ".log (number)");
    run(fmt::format("CREATE TABLE {0}.counters AS SELECT id, 0::bigint AS n FROM generate_series(0, {1} - 1) id",
                    schema_, kCounters));
    run("CREATE INDEX ON " + schema_ + ".counters (id)");
}

Stored Tables::read(Executor& executor) const {
    Stored stored;
    const auto query = [&](const std::string& text) {
        return executor.query(Statement(Sql(text)), Deadline::after(60s));
    };
    for (const Row& row :
         query("SELECT number, count(*) AS rows FROM " + schema_ + ".log WHERE number >= 0 GROUP BY number")) {
        stored.log[row.get<std::int64_t>("number")] = row.get<int>("rows");
    }
    for (const Row& row : query("SELECT id, n FROM " + schema_ + ".counters")) {
        stored.counters.at(static_cast<std::size_t>(row.get<int>("id"))) = row.get<std::int64_t>("n");
    }
    return stored;
}

Call::Kind Work::kind() {
    using Kind = Call::Kind;
    constexpr Kind kMix[] = {
        Kind::read,         Kind::read,          Kind::read,           Kind::read,        Kind::read_by_key,
        Kind::read_by_key,  Kind::read_by_key,   Kind::read_back,      Kind::slow_read,   Kind::failing_read,
        Kind::unmarked,     Kind::unmarked,      Kind::insert,         Kind::insert,      Kind::insert,
        Kind::blind_insert, Kind::refused_write, Kind::refused_commit, Kind::count,       Kind::count,
        Kind::batch,        Kind::refused_batch, Kind::transaction,    Kind::rolled_back, Kind::left_behind};
    constexpr int kAll = static_cast<int>(std::size(kMix));
    constexpr int kTransactions = 3;  // the last
    return kMix[below(mix_ == Mix::everything ? kAll : kAll - kTransactions)];
}

Call Work::next(bool calm, const Record& record) {
    Call call;
    call.kind = kind();
    call.number = (std::int64_t{caller_} << 40) + ++made_;
    call.calm = calm;
    ask(call, record.known_write());
    call.began = Deadline::Clock::now();
    call.deadline = Deadline::at(
        call.began +
        (calm ? 20'000ms
              : kShortestDeadline + kStep * below(static_cast<int>((kLongestDeadline - kShortestDeadline) / kStep))));
    return call;
}

void Work::ask(Call& call, std::int64_t known_write) {
    using Kind = Call::Kind;
    const auto add = [&call](Statement statement) { call.statements.push_back(std::move(statement)); };
    if (call.kind == Kind::read_back && known_write == 0) call.kind = Kind::unmarked;
    const std::string log_key = fmt::format("log/{}", caller_);
    switch (call.kind) {
        case Kind::read: add(tables_.item(call.key = below(kItems)).read()); break;
        case Kind::read_by_key: add(tables_.item(call.key = below(kItems + kItems / 10)).read_by_key()); break;
        case Kind::read_back: add(tables_.logged(call.number = known_write).read()); break;
        case Kind::slow_read:
            add(Statement("SELECT $1::bigint AS number FROM pg_sleep(0.02)", call.number).slow_read());
            break;
        case Kind::failing_read:
            add(Statement("SELECT $1::bigint AS number, 1 / $2::int", call.number, 0).read());
            break;
        case Kind::unmarked: add(Statement("SELECT $1::bigint AS number", call.number)); break;
        case Kind::insert:
        case Kind::blind_insert: add(tables_.log(call.number, caller_, 0).group_commit(log_key)); break;
        case Kind::refused_write: add(tables_.log(call.number, -1, 0).group_commit(log_key)); break;
        case Kind::refused_commit:
            add(tables_.refused_late(call.number, caller_, below(kClaims)).group_commit(log_key));
            break;
        case Kind::count:
            call.key = below(kCounters);
            add(tables_.count(call.key).group_commit(fmt::format("counters/{}", call.key)));
            break;
        case Kind::refused_batch:
        case Kind::left_behind:
            add(tables_.log(call.number, caller_, 0));
            add(tables_.log(call.number, -1, 1));
            break;
        case Kind::batch:
        case Kind::transaction:
        case Kind::rolled_back:
            add(tables_.log(call.number, caller_, 0));
            add(tables_.log(call.number, caller_, 1));
            break;
    }
}

}  // namespace stele::test
