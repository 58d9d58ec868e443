#include "postgres/observer.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "postgres/metric_names.hpp"

namespace stele {
namespace {

// in the order of the enumerations
constexpr std::array<std::string_view, Observer::kKinds> kKindNames = {
    "read", "slow_read", "write", "single", "batch", "connection", "transaction", "commit", "rollback"};
constexpr std::array<std::string_view, Observer::kLanes> kLaneNames = {"exclusive", "read", "slow_read", "write"};
constexpr std::array<std::string_view, Observer::kAgains> kAgainNames = {"lost", "stale", "aborted"};
constexpr std::array<std::string_view, Observer::kDoubts> kDoubtNames = {"committed", "aborted", "undecided",
                                                                         "not_asked"};
constexpr std::array<std::string_view, Observer::kLooks> kLookNames = {"followed", "reloaded", "failed"};
constexpr std::array<std::string_view, Observer::kHints> kHintNames = {"sent", "received"};
static_assert(static_cast<std::size_t>(Observer::Kind::rollback) + 1 == Observer::kKinds);
static_assert(static_cast<std::size_t>(Lane::write) + 1 == Observer::kLanes);
static_assert(static_cast<std::size_t>(Observer::Again::aborted) + 1 == Observer::kAgains);
static_assert(static_cast<std::size_t>(Observer::Doubt::not_asked) + 1 == Observer::kDoubts);
static_assert(static_cast<std::size_t>(Observer::Looked::failed) + 1 == Observer::kLooks);
static_assert(static_cast<std::size_t>(Observer::Hint::received) + 1 == Observer::kHints);
static_assert(static_cast<std::size_t>(ErrorCode::internal) + 1 == Observer::kCodes);

template <class Instrument, std::size_t kCount, class Make>
void fill(std::array<Instrument*, kCount>& row, Make make) {
    for (std::size_t i = 0; i < kCount; ++i) row[i] = &make(i);
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Where the first word of a statement begins: behind blanks, parentheses and comments.
std::size_t first_word(std::string_view sql) {
    std::size_t at = 0;
    while ((at = sql.find_first_not_of(" \t\r\n(", at)) != std::string_view::npos) {
        const bool line = sql.substr(at, 2) == "--", block = sql.substr(at, 2) == "/*";
        if (!line && !block) return at;
        at = line ? sql.find('\n', at) : sql.find("*/", at + 2);
        if (at == std::string_view::npos) break;
        at += line ? 1 : 2;
    }
    return sql.size();
}

// "SELECT" of "  select 1"
std::string operation_of(std::string_view sql) {
    const auto* begin = sql.data() + first_word(sql);
    std::string word(begin, std::find_if_not(begin, sql.data() + sql.size(), is_letter));
    for (char& c : word) c = static_cast<char>(c & ~0x20);
    return word.empty() ? "QUERY" : word;
}

bool all_the_same(std::span<const Statement> statements) {
    return std::all_of(statements.begin(), statements.end(),
                       [&](const Statement& one) { return one.sql().text() == statements[0].sql().text(); });
}

std::string operation_of(std::span<const Statement> statements) {
    std::string first = operation_of(statements[0].sql().text());
    if (statements.size() == 1) return first;
    const bool one_kind = std::all_of(statements.begin(), statements.end(),
                                      [&](const Statement& one) { return operation_of(one.sql().text()) == first; });
    return one_kind ? "BATCH " + first : "BATCH";
}

std::string joined_text(std::span<const Statement> statements) {
    std::string text(statements[0].sql().text());
    for (const Statement& one : statements.subspan(1)) text.append("; ").append(one.sql().text());
    return text;
}

}  // namespace

struct Observer::Live {
    Live(std::shared_ptr<Metrics> given_metrics, std::shared_ptr<Tracer> given_tracer, const Dsn& dsn)
        : metrics(std::move(given_metrics)), tracer(std::move(given_tracer)) {
        if (metrics) meters.emplace(*metrics);
        const auto find = [&dsn](const char* name) {
            const auto found = dsn.parameters().find(name);
            return found == dsn.parameters().end() ? std::string() : found->second;
        };
        database = find("dbname");
        address = find("host");
        if (address.empty()) address = find("hostaddr");
        const std::string given_port = find("port");
        if (address.find(',') != std::string::npos) address.clear();  // which one it will be is not known yet
        // the port of a Unix socket is a part of a file's name
        if (!address.empty() && address[0] != '/' && address[0] != '@') {
            port = 5432;
            std::from_chars(given_port.data(), given_port.data() + given_port.size(), port);
        }
    }

    std::unique_ptr<Span> start(Kind kind, std::span<const Statement> statements) const {
        std::string operation, joined;
        std::string_view text;
        if (statements.empty()) {
            operation = kind == Kind::commit ? "COMMIT" : "ROLLBACK";
            text = operation;
        } else {
            operation = operation_of(statements);
            text = statements[0].sql().text();
            if (!all_the_same(statements)) text = joined = joined_text(statements);
        }
        std::array<SpanAttribute, 7> attributes;
        std::size_t count = 0;
        attributes[count++] = {"db.system.name", "postgresql"};
        attributes[count++] = {"db.operation.name", operation};
        attributes[count++] = {"db.query.text", text};
        if (!database.empty()) attributes[count++] = {"db.namespace", database};
        if (!address.empty()) attributes[count++] = {"server.address", address};
        if (port != 0) attributes[count++] = {"server.port", port};
        if (statements.size() > 1) {
            attributes[count++] = {"db.operation.batch.size", static_cast<std::int64_t>(statements.size())};
        }
        return tracer->start(operation, std::span(attributes.data(), count));
    }

    std::shared_ptr<Metrics> metrics;
    std::shared_ptr<Tracer> tracer;
    std::optional<Meters> meters;
    std::string database, address;
    std::int64_t port = 0;  // 0: none
};

Observer::Meters::Meters(Metrics& metrics) {
    fill(calls, [&](std::size_t i) -> Histogram& { return metrics.histogram(kCallSeconds, {kKindNames[i]}); });
    fill(errors, [&](std::size_t i) -> Counter& {
        return metrics.counter(kCallErrors, {to_string(static_cast<ErrorCode>(i))});
    });
    const auto histograms = [&](Row<Histogram, kLanes>& row, const HistogramInfo& info) {
        fill(row, [&](std::size_t i) -> Histogram& { return metrics.histogram(info, {kLaneNames[i]}); });
    };
    const auto counters = [&](Row<Counter, kLanes>& row, const CounterInfo& info) {
        fill(row, [&](std::size_t i) -> Counter& { return metrics.counter(info, {kLaneNames[i]}); });
    };
    histograms(queued, kQueueSeconds);
    histograms(round_trips, kRoundTripSeconds);
    histograms(statements, kRoundTripStatements);
    histograms(connects, kConnectSeconds);
    counters(connect_failures, kConnectFailures);
    counters(losses, kConnectionsLost);
    counters(reconnects, kReconnects);
    fill(again, [&](std::size_t i) -> Counter& { return metrics.counter(kSentAgain, {kAgainNames[i]}); });
    fill(doubts, [&](std::size_t i) -> Counter& { return metrics.counter(kCommitsInDoubt, {kDoubtNames[i]}); });
    transactions_again = &metrics.counter(kTransactionsAgain);
    fill(looks, [&](std::size_t i) -> Counter& { return metrics.counter(kChangeLooks, {kLookNames[i]}); });
    fill(hints, [&](std::size_t i) -> Counter& { return metrics.counter(kChangeHints, {kHintNames[i]}); });
    staleness = &metrics.histogram(kChangeStaleness);
    idle = &metrics.gauge(kPoolConnections, {"idle"});
    in_use = &metrics.gauge(kPoolConnections, {"in_use"});
    connecting = &metrics.gauge(kPoolConnections, {"connecting"});
    waiting = &metrics.gauge(kPoolWaiting);
    maximum = &metrics.gauge(kPoolMaximum);
}

Observer::Observer() = default;

Observer::Observer(std::shared_ptr<Metrics> metrics, std::shared_ptr<Tracer> tracer, const Dsn& dsn) {
    if (!metrics && !tracer) return;
    auto live = std::make_unique<const Live>(std::move(metrics), std::move(tracer), dsn);
    if (live->meters) meters_ = &*live->meters;
    live_ = std::move(live);
}

const Observer& Observer::nobody() {
    static const Observer kNobody;
    return kNobody;
}

Observer::Observer(Observer&& other) noexcept
    : live_(std::move(other.live_)), meters_(std::exchange(other.meters_, nullptr)) {}
Observer& Observer::operator=(Observer&& other) noexcept {
    std::swap(live_, other.live_);
    std::swap(meters_, other.meters_);
    return *this;
}
Observer::~Observer() = default;

void Observer::Call::start(std::span<const Statement> statements) {
    if (live_->tracer) span_ = live_->start(kind_, statements);
    if (live_->meters) began_ = Deadline::Clock::now();
}

void Observer::Call::end(const ErrorInfo* error, bool failed) noexcept {
    const Live& live = *std::exchange(live_, nullptr);
    const ErrorCode code = error == nullptr ? ErrorCode::internal : error->code;
    if (live.meters) {
        at(live.meters->calls, kind_).observe(seconds_since(began_));
        if (failed) at(live.meters->errors, code).add();
        // a commit says itself what became of it
        const bool in_doubt = error != nullptr && error->in_doubt && kind_ != Kind::commit;
        if (in_doubt) at(live.meters->doubts, Doubt::not_asked).add();
    }
    if (!span_) return;
    SpanEnd end;
    std::array<SpanAttribute, 2> learnt;
    std::size_t count = 0;
    if (failed) {
        const std::string_view sqlstate = error == nullptr ? std::string_view() : std::string_view(error->sqlstate);
        learnt[count++] = {"error.type", sqlstate.empty() ? to_string(code) : sqlstate};
        if (!sqlstate.empty()) learnt[count++] = {"db.response.status_code", sqlstate};
        end = {true, error == nullptr ? std::string_view() : std::string_view(error->message),
               std::span(learnt.data(), count)};
    }
    span_->end(end);
    span_.reset();
}

void Observer::pool_changed(const PoolStatus& before, const PoolStatus& now) const noexcept {
    const auto change = [](Gauge& gauge, std::size_t from, std::size_t to) {
        if (from != to) gauge.add(static_cast<double>(to) - static_cast<double>(from));
    };
    change(*meters_->idle, before.idle, now.idle);
    change(*meters_->in_use, before.in_use, now.in_use);
    change(*meters_->connecting, before.connecting, now.connecting);
    change(*meters_->waiting, before.waiting, now.waiting);
    change(*meters_->maximum, before.maximum, now.maximum);
}

}  // namespace stele
