#include <iostream>
#include <stele/stele.hpp>

int main() {
    auto database = stele::Database::open({.schema = "hello"});  // no server given: Stele runs its own
    stele::SemanticCache cache(database, std::make_shared<stele::LocalEmbedder>());
    const std::string question = "How do I reset my password?";
    if (auto hit = cache.get(question)) {
        std::cout << hit->response << " (from memory, " << to_string(hit->layer) << ")\n";
    } else {
        const std::string answer = "Settings, Security, Reset.";  // ask your model here
        cache.put(question, answer);
        std::cout << answer << " (computed; run me again)\n";
    }
}
