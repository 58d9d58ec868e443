// An answer that a model writes piece by piece: asked once, however many ask for it, and read while it is written.
#include <iostream>
#include <stele/stele.hpp>

// Your model's client.
void stream_from_model(const std::string& prompt, const std::function<void(std::string_view token)>& on_token) {
    for (const std::string_view token : {"In your ", "account, ", "under ", "Orders."}) on_token(token);
    static_cast<void>(prompt);
}

int main() {
    stele::SemanticCacheOptions options;
    options.default_ttl = std::chrono::hours(24);
    options.ttl_jitter = 0.1f;                       // not all of a day's answers at once
    options.serve_stale = std::chrono::minutes(30);  // while one caller renews it in the background
    stele::SemanticCache cache(stele::Database::open(), nullptr, options);

    const std::string question = "Where is my order?";
    stele::ComputeOptions how;
    how.reader = [](std::string_view piece) { std::cout << piece << std::flush; };  // to the user, at once
    const stele::ComputedAnswer answer = cache.get_or_compute(
        question, "acme",
        [question](stele::AnswerSink& sink) {  // by value: a renewal runs when this function has returned
            stream_from_model(question, [&](std::string_view token) { sink.write(token); });
            sink.metadata(stele::Json::parse(R"({"model": "m-7b"})"));
        },
        how);
    std::cout << "\n(" << to_string(answer.source) << ", " << to_string(answer.kept) << ")\n";
}
