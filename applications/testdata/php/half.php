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
        shell_exec('kill -9 ' . getmypid());
        sleep(10);
}
