<?php
// Sends an event whenever a file appears.
header('Content-Type: text/event-stream');
header('Cache-Control: no-store');
for ($n = 0; $n < 3; $n++) {
    echo "data: $n\n\n";
    flush();
    while (!file_exists($_SERVER['DATA'] . '/tick' . ($n + 1))) {
        clearstatcache();
        usleep(5000);
    }
}
