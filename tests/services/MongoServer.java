// usage: java -cp 'libs/*' MongoServer.java PORT (memory | durable) FILE
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractMongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;

/** The emulator behind mongo.sh. */
class Start {
    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findAndModify",
            "createIndexes", "dropIndexes", "create", "drop", "dropDatabase");

    /** Its own H2 mode loses acknowledged writes on kill -9: this one syncs before a write command is answered. */
    private static final class Durable extends H2Backend {
        Durable(String file) {
            super(file);
            getMvStore().setAutoCommitDelay(0); // no writer in the background: commit() writes in the caller
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            Document answer = super.handleMessage(message);
            if (WRITES.contains(message.getDocument().keySet().iterator().next())) {
                commit();
                getMvStore().sync();
            }
            return answer;
        }
    }

    public static void main(String[] arguments) throws Exception {
        AbstractMongoBackend backend = switch (arguments[1]) {
            case "memory" -> new MemoryBackend();
            case "durable" -> new Durable(arguments[2]);
            default -> throw new IllegalArgumentException(arguments[1]);
        };
        // The newest version that the library has says wire version 8; the Rust driver refuses anything below 9.
        backend.version(new MongoVersion() {
            @Override
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 0);
            }

            @Override
            public int getWireVersion() {
                return 9;
            }
        });
        MongoServer server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        Thread.currentThread().join();
    }
}
