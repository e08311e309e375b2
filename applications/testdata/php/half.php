<?php
// Ends in the middle, in the way that the query asks for.
if (($_GET['length'] ?? '') !== '') {
    header('Content-Length: ' . $_GET['length']);
}
echo str_repeat('x', 1000);
flush();
switch ($_GET['how'] ?? '') {
    case 'exit':
        exit(3);
    case 'throw':
        throw new Exception('the fault of this script');
    case 'kill':
        proc_close(proc_open(['/bin/kill', '-9', (string) getmypid()], [], $pipes));
        sleep(10);
}
