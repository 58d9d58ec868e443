#include "postgres/joined_transaction.hpp"

#include "base/result.hpp"
#include "postgres/transaction_impl.hpp"

namespace stele {
inline namespace v0 {

JoinedTransaction::JoinedTransaction(Transaction& transaction, const Database& database)
    : transaction_(transaction.impl_.get()), depth_(0) {
    check_database(database);
}

JoinedTransaction::JoinedTransaction(Savepoint& savepoint, const Database& database)
    : transaction_(savepoint.transaction_), depth_(savepoint.depth_) {
    check_database(database);
}

void JoinedTransaction::check_database(const Database& database) const {
    if (transaction_ == nullptr) raise(ErrorCode::closed, "this transaction or savepoint is over");
    if (transaction_->database != database.share_impl()) {
        raise(ErrorCode::invalid_argument,
              "the transaction is of another Database than the store; begin it with the one the store was made with");
    }
}

Savepoint JoinedTransaction::savepoint() {
    return Savepoint(*transaction_, transaction_->open_savepoint(depth_));
}

void JoinedTransaction::after_commit(std::function<void()> run) {
    transaction_->hooks.push_back({depth_, std::move(run)});
}

void JoinedTransaction::before_commit(const std::string& key, std::int64_t number, Closing make) {
    Transaction::Impl::Closing& closing = transaction_->closings[key];
    if (closing.asked.empty()) closing.make = std::move(make);
    closing.asked.push_back({depth_, number});
}

std::size_t JoinedTransaction::asked(const std::string& key) const {
    const auto found = transaction_->closings.find(key);
    return found == transaction_->closings.end() ? 0 : found->second.asked.size();
}

void JoinedTransaction::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    transaction_->run(statements, answers, depth_, deadline);
}

Deadline JoinedTransaction::default_deadline() const {
    return transaction_->database->default_deadline();
}

}  // namespace v0
}  // namespace stele
