// Answers that are forgotten the moment the prompt, the settings or the document they were made from change.
#include <iostream>
#include <stele/stele.hpp>

struct Support {
    std::string model = "m-7b";
};
STELE_DESCRIBE_AS("support", Support, (model, stele::has_default))

std::string ask_the_model(const std::string& model, const std::string& prompt) {
    return model + " says: " + prompt;
}

int main() {
    stele::Database database = stele::Database::open();
    stele::TemplatesRepository templates(database);
    stele::ConfigurationRepository configurations(database);
    stele::Publications publications(database);
    stele::SemanticCache cache(database, nullptr);

    const auto answer = [&](const std::string& question) -> std::string {
        if (const auto hit = cache.get(question, "acme")) return hit->response;
        const auto prompt = templates.render({"support/answer", {{"question", question}}});
        const auto settings = configurations.use<Support>();
        const std::string text = ask_the_model(settings ? settings->model : Support().model, prompt.text());
        cache.put(question, text, "acme",
                  {.tags = {"returns"},
                   .depends_on = {prompt, settings, stele::Dependency::on_newest("document", "acme/terms")}});
        return text;
    };

    templates.define({.identifier = "support/answer", .variables = {{"question"}}}, "Answer briefly: {%question%}");
    std::cout << answer("May I return it?") << '\n';

    // one commit: whoever asks before it gets the old answer, whoever asks after it none that is older
    stele::Transaction transaction = database.begin();
    templates.in(transaction)
        .define({.identifier = "support/answer", .variables = {{"question"}}}, "Answer kindly: {%question%}");
    configurations.in(transaction).define(Support{"m-8b"});
    publications.in(transaction).publish("document", "acme/terms", "2");
    cache.in(transaction).put("Opening hours?", "9 to 5", "acme");
    transaction.commit();

    std::cout << answer("May I return it?") << '\n';     // made anew
    std::cout << cache.remove_outdated() << " swept\n";  // nobody was served them any more
    std::cout << cache.remove_tagged("returns", "acme", true) << " removed by their tag\n";
}
