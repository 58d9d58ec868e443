// A unit test of a little service, with twins in place of the database, the model and the clock.
#include "stele/testing.hpp"

#include <functional>
#include <iostream>

#include "stele/semantic_cache.hpp"
#include "stele/templates.hpp"

// What is tested: answers questions, by asking a model only where the cache has nothing.
class Helpdesk {
public:
    using Model = std::function<std::string(const std::string& prompt)>;
    Helpdesk(stele::SemanticCache cache, stele::TemplatesRepository templates, Model model)
        : cache_(std::move(cache)), templates_(std::move(templates)), model_(std::move(model)) {}

    std::string answer(const std::string& question) {
        if (const auto hit = cache_.get(question)) return hit->response;
        const std::string text = model_(templates_.resolve_text({"helpdesk"}, {{"question", question}}));
        cache_.put(question, text, {}, {.ttl = std::chrono::hours(24)});
        return text;
    }

private:
    stele::SemanticCache cache_;
    stele::TemplatesRepository templates_;
    Model model_;
};

int failures = 0;
void expect(bool holds, const char* what) {
    if (holds) return;
    std::cerr << "not so: " << what << '\n';
    ++failures;
}

int main() {
    stele::testing::FakeClock clock;
    auto embedder = std::make_shared<stele::testing::FakeEmbedder>();
    stele::MemoryDatabase memory(clock);
    auto templates = stele::TemplatesRepository::in_memory(memory);
    templates.define({"helpdesk", {}, {{"question", "what was asked"}}}, "Be brief. {%question%}");

    std::string asked;
    int calls = 0;
    Helpdesk helpdesk(stele::SemanticCache::in_memory(memory, embedder), templates, [&](const std::string& prompt) {
        ++calls;
        asked = prompt;
        return "Press reset.";
    });

    expect(helpdesk.answer("How do I reset it?") == "Press reset.", "the model answers");
    expect(asked == "Be brief. How do I reset it?", "the model is given the template, filled in");

    // the embedder gets questions as the cache compares them: in small letters
    embedder->similar("i forgot my password", "how do i reset it?", 0.95F);
    helpdesk.answer("I forgot my password");
    expect(calls == 1, "a similar question is answered from the cache");
    helpdesk.answer("Where is my parcel?");
    expect(calls == 2, "another one is not");

    clock.advance(std::chrono::hours(24));
    helpdesk.answer("How do I reset it?");
    expect(calls == 3, "after a day the model is asked again");

    embedder->fail(1);
    helpdesk.answer("How do I reset it?");
    expect(calls == 3, "the same question needs no embedder");
    return failures;
}
