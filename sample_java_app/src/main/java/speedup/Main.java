// speedup answers GET /echo?text=… with the text it was given.
package speedup;

import io.javalin.Javalin;
import io.javalin.http.Context;

public final class Main {
    record Reply(String text) {}

    public static void main(String[] args) {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        Javalin.create().get("/echo", Main::echo).start(port);
    }

    static void echo(Context context) {
        String text = context.queryParam("text");
        context.json(new Reply(text == null ? "" : text));
    }
}
