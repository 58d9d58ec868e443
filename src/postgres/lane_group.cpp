#include "postgres/lane_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace stele {

const MergedStatement* MergedStatements::find(const Statement& statement) {
    auto found = known_.find(statement.sql().text());
    if (found == known_.end()) {
        found = known_.emplace(statement.sql().text(), MergedStatement::of(statement)).first;
    }
    return found->second && found->second->takes(statement) ? &*found->second : nullptr;
}

void MergedStatements::trim() {
    constexpr std::size_t kMost = 256;  // texts; more are not constants
    if (known_.size() >= kMost) known_.clear();
}

void LaneGroup::compose(std::span<const LaneMachine::Request> requests, MergedStatements& merged, bool writes,
                        const Statement* before) {
    clear();
    places_.assign(requests.size(), Place());
    first = before;
    if (first != nullptr) statements_.push_back(first);
    openings_ = statements_.size();
    if (writes) {
        arrange_writes(requests, merged);
    } else {
        arrange_reads(requests, merged);
    }
}

void LaneGroup::clear() {
    batch.answers.clear();
    statements_.clear();
    owned_.clear();
    split_.clear();
    first = nullptr;
    openings_ = 0;
}

void LaneGroup::arrange_reads(std::span<const LaneMachine::Request> requests, MergedStatements& merged) {
    struct Alike {
        const MergedStatement* read;
        std::vector<std::size_t> indices;
    };
    std::vector<Alike> all;
    merged.trim();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const std::span<const Statement> statements = request_of(requests[i].ticket).statements;
        const MergedStatement* read = nullptr;
        if (requests[i].merges && requests.size() > 1) {
            const auto takes = [&](const Alike& alike) { return alike.read->takes(statements.front()); };
            if (const auto alike = std::find_if(all.begin(), all.end(), takes); alike != all.end()) {
                alike->indices.push_back(i);
                continue;
            }
            read = merged.find(statements.front());
        }
        if (read != nullptr) {
            all.push_back({read, {i}});
        } else {
            place(i, statements);
        }
    }
    for (const Alike& alike : all) {
        if (alike.indices.size() == 1) {
            place(alike.indices.front(), request_of(requests[alike.indices.front()].ticket).statements);
        } else {
            place_merged(*alike.read, alike.indices, requests);
        }
    }
}

void LaneGroup::arrange_writes(std::span<const LaneMachine::Request> requests, MergedStatements& merged) {
    const auto key = [&](std::size_t i) -> const std::string& {
        return request_of(requests[i].ticket).statements.front().key();
    };
    place_openings(requests);
    openings_ = statements_.size();
    std::vector<std::size_t> order(requests.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // of two writes of one key the later caller's comes later
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::tie(key(a), a) < std::tie(key(b), b); });
    arrange_in_order(order, requests, merged);
}

void LaneGroup::arrange_in_order(std::span<const std::size_t> order, std::span<const LaneMachine::Request> requests,
                                 MergedStatements& merged) {
    constexpr std::size_t kMostBytes = 4U << 20U;  // to be copied into one statement
    const auto statement = [&](std::size_t i) -> const Statement& {
        return request_of(requests[i].ticket).statements.front();
    };
    std::vector<std::size_t> run;  // that one statement does
    const MergedStatement* way = nullptr;
    std::size_t bytes = 0;
    const auto place_run = [&] {
        if (run.size() == 1) place(run.front(), request_of(requests[run.front()].ticket).statements);
        if (run.size() > 1) place_merged(*way, run, requests);
        run.clear();
        bytes = 0;
    };
    merged.trim();
    for (const std::size_t i : order) {
        const MergedStatement* own = requests[i].merges && requests.size() > 1 ? merged.find(statement(i)) : nullptr;
        bytes += statement(i).parameters().bytes().size();
        const bool goes_on = !run.empty() && own != nullptr && own == way && bytes <= kMostBytes &&
                             statement(run.back()).key() != statement(i).key();
        if (!goes_on) {
            place_run();
            bytes = statement(i).parameters().bytes().size();
        }
        way = own;
        run.push_back(i);
    }
    place_run();
}

void LaneGroup::place_openings(std::span<const LaneMachine::Request> requests) {
    const auto same = [](const Statement* a, const Statement* b) {
        return a->sql().text() == b->sql().text() && a->parameters().bytes() == b->parameters().bytes();
    };
    std::vector<const Statement*> all;
    for (const LaneMachine::Request& request : requests) {
        for (const Statement& statement : request_of(request.ticket).statements) {
            const Statement* opening = statement.opening().get();
            const auto is_it = [&](const Statement* one) { return same(one, opening); };
            if (opening != nullptr && std::none_of(all.begin(), all.end(), is_it)) all.push_back(opening);
        }
    }
    // they lock rows, too: the same order everywhere
    std::sort(all.begin(), all.end(), [](const Statement* a, const Statement* b) {
        return std::pair(a->sql().text(), std::string_view(a->parameters().bytes())) <
               std::pair(b->sql().text(), std::string_view(b->parameters().bytes()));
    });
    statements_.insert(statements_.end(), all.begin(), all.end());
}

void LaneGroup::place(std::size_t request, std::span<const Statement> statements) {
    places_[request] = {statements_.size(), statements.size(), {}};
    for (const Statement& statement : statements) statements_.push_back(&statement);
}

void LaneGroup::place_merged(const MergedStatement& way, std::span<const std::size_t> indices,
                             std::span<const LaneMachine::Request> requests) {
    std::vector<const Statement*> alike;
    for (const std::size_t i : indices) {
        places_[i] = {statements_.size(), 1, alike.size()};
        alike.push_back(&request_of(requests[i].ticket).statements.front());
    }
    owned_.push_back(way.merge(alike));
    statements_.push_back(&owned_.back());
}

std::vector<LaneMachine::Reply> LaneGroup::replies() const {
    std::vector<Reply> all;
    all.reserve(places_.size());
    for (const Place& place : places_) all.push_back(reply_to(place));
    return all;
}

LaneMachine::Reply LaneGroup::reply_to(const Place& place) const {
    if (batch.succeeded()) return Reply::good;
    const std::size_t failed = batch.failed_statement();
    const bool by_itself = places_.size() == 1;
    // a deadlock is broken at whoever noticed it; a statement that the server forgot has only to be prepared anew
    const bool passes = batch.error.code == ErrorCode::serialization || is_stale_statement(batch.error) ||
                        (cut_short && batch.error.sqlstate == "55P03");
    if (failed == batch.answers.size() || failed < openings_) {
        if (passes) return Reply::again;
        return by_itself ? Reply::error : Reply::apart;
    }
    if (place.first + place.count <= failed) return Reply::good;
    if (place.first > failed) return Reply::aborted;
    if (passes) return Reply::again;
    return place.merged ? Reply::split : Reply::error;
}

void LaneGroup::deliver(std::size_t index, Reply reply, LaneRequest& request) {
    const Place& place = places_[index];
    switch (reply) {
        case Reply::good:
            request.error.reset();  // of a try before
            if (place.merged) {
                Result<Rows> part = part_of(place);
                if (!part) {
                    request.error = std::move(part.error());
                } else {
                    request.answers.front() = std::move(*part);
                }
            } else {
                std::move(batch.answers.begin() + static_cast<std::ptrdiff_t>(place.first),
                          batch.answers.begin() + static_cast<std::ptrdiff_t>(place.first + place.count),
                          request.answers.begin());
            }
            break;
        case Reply::error:
        case Reply::again:
            request.error = batch.error;
            if (place.count > 1 && batch.failed_statement() >= place.first &&
                batch.failed_statement() < place.first + place.count) {
                request.error->message +=
                    fmt::format(" (statement {} of {})", batch.failed_statement() - place.first + 1, place.count);
            }
            break;
        case Reply::aborted:
        case Reply::split:
        case Reply::apart: break;
    }
}

Result<Rows> LaneGroup::part_of(const Place& place) {
    std::vector<Rows>& parts = split_[place.first];
    if (parts.empty()) {
        const auto of_it = [&](const Place& other) { return other.merged && other.first == place.first; };
        const auto count = std::count_if(places_.begin(), places_.end(), of_it);
        Result<std::vector<Rows>> split =
            split_answer(batch.answers[place.first].data(), static_cast<std::size_t>(count));
        if (!split) return fail(std::move(split.error()));
        parts = std::move(*split);
    }
    return std::move(parts[*place.merged]);
}

}  // namespace stele
